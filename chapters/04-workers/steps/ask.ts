/** The same conversation twice: `npx tsx chapters/04-workers/steps/ask.ts 8042 callbacks|async`. */
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

// #region callbacks
function withCallbacks(socket: Socket): void {
  let name: string | null = null;
  socket.write('What is your name?\n');
  createInterface(socket).on('line', (line) => {
    if (name === null) {
      name = line;
      setTimeout(() => socket.write(`Hello, ${name}. How old are you?\n`), 500);
    } else socket.end(`${name} is ${line}.\n`);
  });
}
// #endregion callbacks

// #region async
async function withAsync(socket: Socket): Promise<void> {
  const lines = createInterface(socket)[Symbol.asyncIterator]();
  socket.write('What is your name?\n');
  const { value: name } = await lines.next();
  await wait(500);
  socket.write(`Hello, ${name}. How old are you?\n`);
  const { value: age } = await lines.next();
  socket.end(`${name} is ${age}.\n`);
}
// #endregion async

const server = createServer((socket) => {
  socket.on('error', () => {});
  if (process.argv[3] === 'callbacks') withCallbacks(socket);
  else withAsync(socket).catch(() => socket.destroy());
});
server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 8042) }, () => console.log('listening on', server.address()));
