/** The shouting server, as a blocking program would be: `npx tsx chapters/01-echo/steps/one-at-a-time.ts 7001`. */
// #region server
import { on, once } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';

const server = createServer().listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 7001) });

for await (const [socket] of on(server, 'connection') as AsyncIterable<[Socket]>) {
  console.log('serving', socket.remotePort);
  socket.on('data', (bytes) => socket.write(bytes.toString().toUpperCase()));
  await once(socket, 'close'); // The next client waits here.
  console.log('done with', socket.remotePort);
}
// #endregion server
