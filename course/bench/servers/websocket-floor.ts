/**
 * What `node:net` alone takes for the same bytes: where a frame has come, a frame of its length that was made beforehand
 * goes back. No unmasking, no text, no limits, no deadlines. What a server in this language can at best reach.
 */

import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

import { acceptKey, encodeFrame } from '../../../solutions/06-websocket/index.ts';
import { announce, collectGarbage } from './routes.ts';

const frames = new Map<number, Buffer>();

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {});
  socket.once('data', (request) => {
    const text = request.toString('latin1');
    const key = /^Sec-WebSocket-Key: *(\S+)/mi.exec(text)?.[1];
    if (key === undefined) {
      const body = text.startsWith('GET /gc ') ? collectGarbage() : '';
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
      return;
    }
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(key)}\r\n\r\n`);
    echo(socket);
  });
});
server.listen(0, '127.0.0.1', () => announce((server.address() as AddressInfo).port));

function echo(socket: Socket): void {
  /** Of the frame at hand: bytes that are still to come. */
  let left = 0;
  let answer: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    for (let at = 0; at < chunk.length;) {
      if (left === 0) {
        // The generator's frames are masked, and their heads arrive in one piece.
        const short = chunk[at + 1]! & 0x7f;
        const length = short < 126 ? short : short === 126 ? chunk.readUInt16BE(at + 2) : Number(chunk.readBigUInt64BE(at + 2));
        left = length + (short < 126 ? 6 : short === 126 ? 8 : 14);
        answer = frames.get(length) ?? frameOf(chunk[at]!, length);
      }
      const part = Math.min(left, chunk.length - at);
      at += part;
      left -= part;
      if (left === 0) socket.write(answer);
    }
  });
}

function frameOf(firstByte: number, length: number): Buffer {
  const frame = encodeFrame(firstByte, 'x'.repeat(length), false);
  frames.set(length, frame);
  return frame;
}
