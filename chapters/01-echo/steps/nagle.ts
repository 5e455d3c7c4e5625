/** Fifty questions, each in two small writes: `npx tsx chapters/01-echo/steps/nagle.ts`. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

// Answers each question, which is one line, with one byte.
const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (bytes) => {
    if (bytes.includes('\n')) socket.write('.');
  });
});
server.listen({ host: '127.0.0.1', port: 0 });
await once(server, 'listening');

for (const noDelay of [false, true]) {
  const socket = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, noDelay });
  await once(socket, 'connect');
  const started = performance.now();
  // #region question
  for (let question = 0; question < 50; question++) {
    socket.write('what time ');
    setImmediate(() => socket.write('is it?\n'));
    await once(socket, 'data');
  }
  // #endregion question
  const eachMs = (performance.now() - started) / 50;
  console.log(`noDelay ${noDelay}: ${eachMs.toFixed(1)} ms for each question`);
  socket.destroy();
}
server.close();
