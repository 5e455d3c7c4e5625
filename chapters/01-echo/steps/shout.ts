/** Gives each client its own words back in capitals: `npx tsx chapters/01-echo/steps/shout.ts 7001`. */
// #region server
import { createServer } from 'node:net';

const server = createServer();
server.on('connection', (socket) => {
  socket.on('data', (bytes) => {
    socket.write(bytes.toString().toUpperCase());
  });
});
// #endregion server
server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 7001) }, () => {
  console.log('listening on', server.address());
});
