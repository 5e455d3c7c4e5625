/** Tells each client the time (RFC 867) and hangs up: `npx tsx chapters/01-echo/steps/daytime.ts 7013`. */
// #region server
import { createServer } from 'node:net';

const server = createServer((socket) => {
  socket.end(`${new Date().toISOString()}\n`);
});

server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 7013) }, () => {
  console.log('listening on', server.address());
});
// #endregion server
