/** A greeting that does not arrive: `npx tsx chapters/02-http/steps/length.ts 8004`. */
import { createServer } from 'node:net';

// #region answer
const greeting = 'Grüß Gott, 世界!\n';
const response = `HTTP/1.1 200 OK\r\nContent-Length: ${greeting.length}\r\n\r\n${greeting}`;
// #endregion answer

const server = createServer((socket) => {
  socket.once('data', () => socket.write(response));
  socket.on('error', () => {});
});
server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 8004) }, () => {
  console.log(`${greeting.length} characters, ${Buffer.byteLength(greeting)} bytes`);
});
