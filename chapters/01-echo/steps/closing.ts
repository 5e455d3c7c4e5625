/** What `server.close()` waits for: `npx tsx chapters/01-echo/steps/closing.ts`. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

const started = performance.now();
function say(text: string): void {
  console.log(`${((performance.now() - started) / 1000).toFixed(1)} s  ${text}`);
}

const server = createServer((socket) => {
  socket.on('data', (bytes) => socket.write(bytes));
});
server.listen({ host: '127.0.0.1', port: 0 });
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

// #region closing
const busy = connect({ host: '127.0.0.1', port });
await once(server, 'connection');
const silent = connect({ host: '127.0.0.1', port });
await once(server, 'connection');

server.close(() => say('closed'));
say('close() was called');

const late = connect({ host: '127.0.0.1', port });
late.on('error', (error) => say(`a late client: ${error.message}`));

busy.on('data', (bytes) => say(`the busy client still gets its ${bytes}`));
busy.write('echo');
setTimeout(() => busy.end(), 1000);
setTimeout(() => silent.end(), 5000); // Or never.
// #endregion closing
