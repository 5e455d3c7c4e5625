/** A body whose length nobody knows: `npx tsx chapters/02-http/steps/ticker.ts 8005`. */
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

// #region chunk
function chunk(data: string): string {
  return `${Buffer.byteLength(data).toString(16)}\r\n${data}\r\n`;
}
// #endregion chunk

async function tick(socket: Socket): Promise<void> {
  socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n');
  // #region ticks
  for (const line of ['one\n', 'two\n', 'and now for something longer\n']) {
    socket.write(chunk(line));
    await wait(300);
  }
  socket.write('0\r\n\r\n');
  // #endregion ticks
}

const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', () => void tick(socket).catch(() => socket.destroy()));
});
server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 8005) }, () => console.log('ticking'));
