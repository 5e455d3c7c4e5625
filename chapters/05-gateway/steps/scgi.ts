/** An application behind nginx: `npx tsx chapters/05-gateway/steps/scgi.ts 8056`. */
import { serveScgi } from '../index.ts';
import { app } from './environ.ts';

const server = await serveScgi(app, { port: Number(process.argv[2] ?? 8056) });
console.log('listening on', server.server.address());
process.on('SIGINT', () => process.exit());
