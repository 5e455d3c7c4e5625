/**
 * Ten clients ask for a file of 100 MiB and read none of it: `npx tsx chapters/03-static/steps/memory.ts whole|pieces`.
 */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';

const MIB = 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), 'memory-'));
const path = join(folder, 'large');
const fd = openSync(path, 'w');
ftruncateSync(fd, 100 * MIB); // A sparse file: it takes no room on the disk.
closeSync(fd);

// #region whole
async function whole(socket: Socket): Promise<void> {
  socket.write(await readFile(path));
}
// #endregion whole

// #region pieces
async function pieces(socket: Socket): Promise<void> {
  const file = await open(path);
  const buffer = Buffer.alloc(64 * 1024);
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    if (!socket.write(Buffer.from(buffer.subarray(0, bytesRead)))) await once(socket, 'drain');
  }
  await file.close();
}
// #endregion pieces

/** Resolves when the kernel takes no more from any socket: none has drained in a hundred turns of the loop. */
async function allStuck(): Promise<void> {
  for (let turns = 0; turns < 100; turns++) {
    if (sockets.length < clients.length || !sockets.every((socket) => socket.writableNeedDrain)) turns = 0;
    await nextTurn();
  }
}

const sockets: Socket[] = [];
const send = process.argv[2] === 'pieces' ? pieces : whole;
const server = createServer((socket) => {
  sockets.push(socket);
  socket.on('error', () => {});
  send(socket).catch(() => {});
});
server.listen({ host: '127.0.0.1', port: 0 });
await once(server, 'listening');
const before = process.memoryUsage().rss;
const { port } = server.address() as AddressInfo;
const clients = Array.from({ length: 10 }, () => connect({ host: '127.0.0.1', port }).pause());
await Promise.all(clients.map((client) => once(client, 'connect')));
await allStuck();
console.log(`${clients.length} clients take ${Math.round((process.memoryUsage().rss - before) / MIB)} MiB of our memory`);
rmSync(folder, { recursive: true });
process.exit();
