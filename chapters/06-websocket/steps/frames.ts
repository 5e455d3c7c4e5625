/**
 * Sends frames made by hand, and shows the bytes that come back: `npx tsx chapters/06-websocket/steps/frames.ts PORT
 * FRAME…`. It knows no rules and answers nothing. After each frame it waits for an answer, or for a second if none comes.
 *
 * A frame is its first byte in hexadecimal, a colon and its payload: `81:hello`. In the payload `\x` and two digits
 * are a byte. `unmasked/81:hello` is sent without a mask, `200*89:x` two hundred times.
 */
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { hexLines } from './hex.ts';

/** How long to wait for the first byte of an answer: to a frame, and to the handshake. */
const ANSWER_MS = 1000;
const HANDSHAKE_MS = 5000;
/** An answer is over when nothing more has come for this long. */
const SILENCE_MS = 200;
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/** The bytes of a frame as it was typed. */
function frameOf(typed: string): Buffer {
  const [, times = '1', unmasked, first, text] = /^(?:(\d+)\*)?(unmasked\/)?([0-9a-f]{2}):(.*)$/s.exec(typed) ?? [];
  if (first === undefined || text === undefined) throw new Error(`no frame: ${typed}`);
  const parts = text.split(/(\\x[0-9a-f]{2})/i);
  const bytes = parts.map((part, i) => (i % 2 === 0 ? Buffer.from(part) : Buffer.from(part.slice(2), 'hex')));
  const payload = Buffer.concat(bytes);
  if (payload.length > 0xffff) throw new Error('more than 65,535 bytes');
  const length = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 0xff];
  if (unmasked === undefined) length[0]! |= 0x80;
  const masked = payload.map((byte, i) => byte ^ MASK[i % 4]!);
  const frame = unmasked === undefined
    ? [Buffer.from([parseInt(first, 16), ...length]), MASK, masked]
    : [Buffer.from([parseInt(first, 16), ...length]), payload];
  return Buffer.concat(Array<Buffer>(Number(times)).fill(Buffer.concat(frame)));
}

const [port, ...typed] = process.argv.slice(2);
const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true });
let open = false;
let over = false;
/** When the last bytes came; undefined: none since the last frame was sent. */
let heardAtMs: number | undefined;
socket.on('data', (bytes: Buffer) => {
  heardAtMs = performance.now();
  const head = open ? 0 : bytes.indexOf('\r\n\r\n') + 4;
  if (!open) console.log(`← ${bytes.toString('latin1').split('\r\n')[0]}`);
  open = true;
  if (bytes.length > head) console.log(hexLines(bytes.subarray(head), '←'));
});
socket.on('end', () => {
  console.log('← (the server has ended the connection)');
  over = true;
});
socket.on('error', ({ message }) => {
  console.log(message);
  over = true;
});

/** Resolves when the server has answered and then fallen silent, when it has closed, or when no answer comes. */
async function answer(withinMs: number): Promise<void> {
  const startMs = performance.now();
  const isOver = (): boolean =>
    heardAtMs === undefined ? performance.now() - startMs > withinMs : performance.now() - heardAtMs > SILENCE_MS;
  while (!over && !isOver()) await wait(10);
}

socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
  + 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
await answer(HANDSHAKE_MS);
for (const frame of typed) {
  if (over) break;
  const bytes = frameOf(frame);
  console.log(bytes.length > 64 ? `→ ${bytes.length} bytes` : hexLines(bytes, '→'));
  heardAtMs = undefined;
  socket.write(bytes);
  await answer(ANSWER_MS);
}
if (!over) console.log('(the connection is open)');
socket.destroy();
