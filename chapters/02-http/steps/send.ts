/**
 * Sends bytes and prints what comes back: `npx tsx chapters/02-http/steps/send.ts PORT PIECE…`.
 *
 * Each piece is one write. The next one waits for the server's answer, or for a second if none comes. In a piece, `\r`,
 * `\n`, `\t`, `\0` and `\xff` are the bytes that they name.
 */
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** How long to wait for the first byte of an answer: between two pieces, and after the last. */
const ANSWER_MS = 1000;
const LAST_ANSWER_MS = 5000;
/** An answer is over when nothing more has come for this long. */
const SILENCE_MS = 200;
const NAMED: Readonly<Record<string, number>> = { r: 13, n: 10, t: 9, 0: 0, '\\': 92 };

/** The bytes that a piece means; what is beyond ASCII goes out as UTF-8. */
function bytesOf(piece: string): Buffer {
  const parts = piece.split(/(\\x[0-9a-f]{2}|\\[rnt0\\])/i);
  return Buffer.concat(parts.map((part, index) => {
    if (index % 2 === 0) return Buffer.from(part);
    return Buffer.from([NAMED[part[1]!] ?? Number.parseInt(part.slice(2), 16)]);
  }));
}

const [port, ...pieces] = process.argv.slice(2);
const socket = connect({ host: '127.0.0.1', port: Number(port) });
/** When the last bytes came; undefined if none have come since the last piece was sent. */
let heardAtMs: number | undefined;
let closed = '';
let reply = '';
socket.on('data', (bytes) => {
  heardAtMs = performance.now();
  reply += bytes.toString();
});
socket.on('end', () => (closed ||= 'the server has closed'));
socket.on('error', (error) => (closed ||= error.message));

/** Resolves when the server has answered and then fallen silent, when it has closed, or when no answer comes. */
async function answer(withinMs: number): Promise<void> {
  const startMs = performance.now();
  const isOver = (): boolean =>
    heardAtMs === undefined ? performance.now() - startMs > withinMs : performance.now() - heardAtMs > SILENCE_MS;
  while (closed === '' && !isOver()) await wait(10);
}

for (const [index, piece] of pieces.entries()) {
  if (closed !== '') break;
  heardAtMs = undefined;
  socket.write(bytesOf(piece));
  await answer(index === pieces.length - 1 ? LAST_ANSWER_MS : ANSWER_MS);
}
process.stdout.write(reply.replaceAll('\r\n', '\n'));
if (reply !== '' && !reply.endsWith('\n')) console.log();
console.log(`(${closed === '' ? 'the connection is open' : closed})`);
socket.destroy();
