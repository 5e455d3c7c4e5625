/**
 * Sends bytes and prints what comes back: `npx tsx chapters/02-http/steps/send.ts PORT PIECE…`.
 *
 * Each piece is one write, and the next one waits until the server has been silent for a moment. In a piece, `\r`, `\n`,
 * `\t`, `\0` and `\xff` stand for their bytes.
 */
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

const SILENCE_MS = 200;
const NAMED: Readonly<Record<string, number>> = { r: 13, n: 10, t: 9, 0: 0, '\\': 92 };

/** The bytes that a piece stands for; what is beyond ASCII goes out as UTF-8. */
function bytesOf(piece: string): Buffer {
  const parts = piece.split(/(\\x[0-9a-f]{2}|\\[rnt0\\])/i);
  return Buffer.concat(parts.map((part, index) => {
    if (index % 2 === 0) return Buffer.from(part);
    return Buffer.from([NAMED[part[1]!] ?? Number.parseInt(part.slice(2), 16)]);
  }));
}

const [port, ...pieces] = process.argv.slice(2);
const socket = connect({ host: '127.0.0.1', port: Number(port) });
let heardAtMs = performance.now();
let closed = '';
let reply = '';
socket.on('data', (bytes) => {
  heardAtMs = performance.now();
  reply += bytes.toString();
});
socket.on('end', () => (closed ||= 'the server has closed'));
socket.on('error', (error) => (closed ||= error.message));

/** Resolves when the server has said nothing for a while, or has closed. */
async function silence(): Promise<void> {
  heardAtMs = performance.now();
  while (closed === '' && performance.now() - heardAtMs < SILENCE_MS) await wait(10);
}

for (const piece of pieces) {
  if (closed !== '') break;
  socket.write(bytesOf(piece));
  await silence();
}
process.stdout.write(reply.replaceAll('\r\n', '\n'));
if (reply !== '' && !reply.endsWith('\n')) console.log();
console.log(`(${closed === '' ? 'the connection is open' : closed})`);
socket.destroy();
