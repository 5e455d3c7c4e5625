/** Counts what a client sends until its FIN, then answers: `npx tsx chapters/01-echo/steps/count.ts 7002 [half-open]`. */
// #region server
import { createServer } from 'node:net';

const server = createServer({ allowHalfOpen: process.argv[3] === 'half-open' });
server.on('connection', (socket) => {
  let bytes = 0;
  socket.on('data', (chunk) => (bytes += chunk.length));
  socket.on('end', () => {
    // Looks something up.
    setTimeout(() => socket.end(`${bytes} bytes\n`), 100);
  });
  socket.on('error', (error) => console.log(error.message));
});
// #endregion server
server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 7002) }, () => {
  console.log('listening on', server.address());
});
