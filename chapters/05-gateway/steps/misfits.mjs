/** Two applications, each on the other's server: `npx tsx chapters/05-gateway/steps/misfits.mjs`. */
import { createServer } from 'node:http';
import express from 'express';
import { HttpConnection, HttpResponse, serveHttp } from '../../02-http/index.ts';

// This runs on your chapter 02. If that is not done, better say so now than die at the first request.
try {
  const machine = new HttpConnection({ role: 'server' });
  machine.receiveData(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
  while (machine.nextEvent().type !== 'paused');
  const { status, headers, body } = HttpResponse.text('Hello');
  machine.send({ type: 'response', status, headers, body });
} catch (error) {
  console.error(`Chapter 02 is not done yet: ${error.message}.\n\`npm run catch-up chapter-05\` fills in what is missing, and keeps what you have.`);
  process.exit(1);
}

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
