/** Express static. `node static-express.mjs FOLDER` */

import express from 'express';

import { announce } from './routes.ts';

const app = express();
app.use(express.static(process.argv[2]));
const server = app.listen(0, '127.0.0.1', () => announce(server.address().port));
server.keepAliveTimeout = 600_000;
