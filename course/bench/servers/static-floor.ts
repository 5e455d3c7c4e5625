/**
 * What `node:net` alone takes for the same bytes: answers whatever comes with a response that was put together
 * beforehand. No parser, no limits, no file. What a server in this language can at best reach.
 *
 *     node static-floor.ts FOLDER
 */

import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { announce } from './routes.ts';

const [folder = '.'] = process.argv.slice(2);
const responses = new Map<string, readonly [Buffer, Buffer]>();

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    const path = chunk.toString('latin1', 4, chunk.indexOf(32, 4));
    const [head, body] = responses.get(path) ?? load(path);
    socket.cork();
    socket.write(head);
    socket.write(body);
    socket.uncork();
  });
});
server.listen(0, '127.0.0.1', () => announce((server.address() as AddressInfo).port));

function load(path: string): readonly [Buffer, Buffer] {
  const body = readFileSync(join(folder, path));
  const response = [Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${body.length}\r\n\r\n`), body] as const;
  responses.set(path, response);
  return response;
}
