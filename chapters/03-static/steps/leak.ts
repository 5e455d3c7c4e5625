/**
 * A hundred clients ask for a film and leave: `npx tsx chapters/03-static/steps/leak.ts pipe|pipeline`. Linux.
 */
import { createReadStream, readdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { pipeline } from 'node:stream';

const film = join(import.meta.dirname, '..', 'public', 'video', 'twenty-seconds.webm');
const openFiles = (): number => readdirSync('/proc/self/fd').length;

// #region ways
const ways: Record<string, (res: ServerResponse) => void> = {
  pipe: (res) => void createReadStream(film).pipe(res),
  pipeline: (res) => pipeline(createReadStream(film), res, () => {}),
};
// #endregion ways
const send = ways[process.argv[2] ?? 'pipe']!;

let left = 0;
const server = createServer((_req, res) => {
  res.on('close', () => {
    left++;
    server.emit('left');
  });
  send(res);
}).listen({ host: '127.0.0.1', port: 0 });
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
const before = openFiles();
for (let i = 0; i < 100; i++) {
  const client = connect({ host: '127.0.0.1', port });
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(client, 'readable'); // The first bytes are here.
  client.resetAndDestroy();
}
// The server has heard of all of them, and files that are being closed are closed: both go through the same pool.
while (left < 100) await once(server, 'left');
for (let i = 0; i < 100; i++) await stat(film);
console.log(`100 clients have left; ${openFiles() - before} descriptors are still open`);
process.exit();
