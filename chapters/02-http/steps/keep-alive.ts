/** What a connection costs: `npx tsx chapters/02-http/steps/keep-alive.ts`. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

const REQUESTS = 1000;
const ROUNDS = 7;
const request = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const response = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nHello\n';

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', () => socket.write(response));
  socket.on('error', () => {});
});
await once(server.listen({ host: '127.0.0.1', port: 0 }), 'listening');
const { port } = server.address() as AddressInfo;

async function open(): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  return socket;
}

// #region two-ways
async function oneForAll(): Promise<void> {
  const socket = await open();
  for (let i = 0; i < REQUESTS; i++) await ask(socket);
  socket.destroy();
}

async function oneForEach(): Promise<void> {
  for (let i = 0; i < REQUESTS; i++) {
    const socket = await open();
    await ask(socket);
    socket.destroy();
  }
}
// #endregion two-ways

async function ask(socket: Socket): Promise<void> {
  socket.write(request);
  await once(socket, 'data');
}

async function microseconds(run: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await run();
  return ((performance.now() - startMs) * 1000) / REQUESTS;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

await oneForAll();
await oneForEach();
const kept: number[] = [];
const fresh: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  kept.push(await microseconds(oneForAll));
  fresh.push(await microseconds(oneForEach));
}
console.log(`one connection for all:    ${median(kept).toFixed(0)} µs a request`);
console.log(`one connection for each:   ${median(fresh).toFixed(0)} µs a request`);
console.log(`ratio:                     ${(median(fresh) / median(kept)).toFixed(1)}`);
server.close();
