/** Counts what a client sends until its FIN, then answers: `npx tsx chapters/01-echo/steps/count.ts 7002 [half-open]`. */
// #region server
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

const server = createServer({ allowHalfOpen: process.argv[3] === 'half-open' });
server.on('connection', (socket) => {
  let bytes = 0;
  socket.on('data', (chunk) => (bytes += chunk.length));
  socket.on('end', async () => {
    await wait(100); // Looks something up.
    socket.end(`${bytes} bytes\n`);
  });
  socket.on('error', (error) => console.log(error.message));
});
// #endregion server
server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 7002) }, () => {
  console.log('listening on', server.address());
});
