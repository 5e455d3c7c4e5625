/** A server that answers, as long as you do not look closely: `npx tsx chapters/02-http/steps/hello.ts 8001`. */
// #region server
import { createServer } from 'node:net';

const response = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nHello\n';

const server = createServer((socket) => {
  socket.on('data', () => socket.write(response));
  socket.on('error', () => {});
});
// #endregion server

server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 8001) }, () => {
  console.log('listening on', server.address());
});
