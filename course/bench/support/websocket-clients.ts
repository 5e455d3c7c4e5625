/**
 * Many WebSockets on raw sockets, for a server under test. Frames are prepared, answers are only counted: a client costs
 * less than what it measures. Run as a process of its own:
 *
 *     node websocket-clients.ts ORIGIN LOAD
 *
 * LOAD is a WebSocketLoad as JSON. It prints `ready` when all clients are open and have worked for a moment; `go` on its
 * input begins the count, `stop` prints it, and the input's end ends it all.
 */

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';

import { Deflater, encodeFrame } from '../../../solutions/06-websocket/index.ts';
import { FrameCounter } from './frame-counter.ts';
import type { ClientsCount, WebSocketLoad } from './websocket-load.ts';

/** Compilers and caches take so long to get going; it is not counted. */
const WARM_UP_MS = 300;
/** How many are opened at a time: as many as a server's backlog takes. */
const AT_ONCE = 100;

const [origin = '', json = '{}'] = process.argv.slice(2);
const load = JSON.parse(json) as WebSocketLoad;
const { hostname, port } = new URL(origin);

const request = [
  `GET ${load.path} HTTP/1.1`, `Host: ${hostname}`, 'Connection: Upgrade', 'Upgrade: websocket',
  'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ...(load.deflate ? ['Sec-WebSocket-Extensions: permessage-deflate'] : []), '', '',
].join('\r\n');

/** Words that a deflater finds something in, and not all of it. */
function text(bytes: number): string {
  let state = 1;
  const words: string[] = [];
  for (let length = 0; length < bytes; length += words.at(-1)!.length + 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    words.push(`word${(state >> 8) % 1000}`);
  }
  return words.join(' ').slice(0, bytes);
}

/** What a client sends at once. Deflated, it refers to nothing before: it may be sent again and again. */
function prepare(): Buffer {
  const payload = Buffer.from(text(load.bytes));
  const opcode = load.binary ? 0x2 : 0x1;
  const frame = load.deflate
    ? encodeFrame(0xc0 | opcode, new Deflater(15, false).deflate(payload), true)
    : encodeFrame(0x80 | opcode, payload, true);
  return Buffer.concat(Array.from({ length: load.inFlight }, () => frame));
}

const frames = prepare();
/** All sockets are read into the same memory, one after the other. */
const buffer = Buffer.allocUnsafeSlow(64 * 1024);
let messages = 0;
let failures = 0;
/** In a room: the one that speaks, and how many messages have still to come before it does so again. */
let speaker: Socket | null = null;
let outstanding = 0;

function speak(): void {
  outstanding += load.connections * load.inFlight;
  speaker!.write(frames);
}

/** Opens a WebSocket. Resolves with what makes it begin. */
function open(): Promise<() => void> {
  return new Promise((resolve) => {
    let head = '';
    let isOpen = false;
    let due = 0;
    const counter = new FrameCounter(load.deflate ? null : load.bytes);
    const begin = (): void => {
      due += load.inFlight;
      socket.write(frames);
    };
    const receive = (length: number): void => {
      const came = counter.count(buffer, length);
      messages += came;
      if (load.path === '/room') {
        outstanding -= came;
        if (came > 0 && outstanding === 0 && speaker !== null) speak();
      } else {
        due -= came;
        if (came > 0 && due === 0 && !load.idle) begin();
      }
    };
    const onHead = (length: number): void => {
      head += buffer.toString('latin1', 0, length);
      const headEnd = head.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      if (!head.startsWith('HTTP/1.1 101 ')) fail(`the handshake was refused: ${head.slice(0, 100)}`);
      if (load.deflate && !/permessage-deflate/i.test(head)) fail('permessage-deflate was refused');
      isOpen = true;
      resolve(load.path === '/room' ? () => (speaker ??= socket) : begin);
    };
    const socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer,
        callback: (length) => {
          if (isOpen) receive(length);
          else onHead(length);
          return true;
        },
      },
    }, () => socket.write(request));
    socket.on('error', (error) => (isOpen ? failures++ : fail(error.message)));
    socket.on('end', () => failures++);
    counter.onFailure = () => failures++;
  });
}

function fail(why: string): never {
  console.error(why);
  process.exit(1);
}

function count(since: number): ClientsCount {
  return { messages, seconds: (performance.now() - since) / 1000, failures };
}

const begins: (() => void)[] = [];
while (begins.length < load.connections) {
  const atOnce = Math.min(AT_ONCE, load.connections - begins.length);
  begins.push(...await Promise.all(Array.from({ length: atOnce }, open)));
}
for (const begin of begins) begin();
if (load.path === '/room' && load.inFlight > 0) speak();

let since = 0;
createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (line === 'stop') {
      console.log(JSON.stringify(count(since)));
    } else {
      since = performance.now();
      messages = 0;
    }
  })
  .on('close', () => process.exit(0));
setTimeout(() => console.log('ready'), WARM_UP_MS);
