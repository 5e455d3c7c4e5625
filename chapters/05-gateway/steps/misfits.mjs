/** Two applications, each on the other's server: `npx tsx chapters/05-gateway/steps/misfits.mjs`. */
import { createServer } from 'node:http';
import express from 'express';
import { HttpResponse, serveHttp } from '../../02-http/index.ts';

// #region applications
/** Written for Express, and so for node:http. */
const theirs = express();
theirs.get('/', (req, res) => res.send('Hello from Express\n'));

/** Written for the server of chapter 02. */
const ours = () => HttpResponse.text('Hello from chapter 02\n');
// #endregion applications

// #region swapped
await serveHttp(theirs, { port: 8050 });
createServer(ours).listen({ host: '127.0.0.1', port: 8051 });
// #endregion swapped
console.log('Express on our server: 8050; ours on node:http: 8051');
