/**
 * The server behind the front: a bank. `npx tsx chapters/02-http/steps/back.ts 8003 [yours]`
 *
 * It finds the end of a body as RFC 9112 §6.3 says: Transfer-Encoding, where there is one, overrides Content-Length.
 * With `yours`, your `bodyFraming` decides instead, so it needs exercises 2.2 and 2.3.
 */
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { bodyFraming, HttpHeaders, parseHeaderField, RemoteProtocolError } from '../index.ts';

const yours = process.argv[3] === 'yours';
const coins: Record<string, number> = { alice: 100, mallory: 0 };

// #region end-of-body
/** Where the body that begins at `bodyStart` ends; -1 if it has not all come yet. */
function endOfBody(input: string, bodyStart: number): number {
  const head = input.slice(0, bodyStart);
  if (/^transfer-encoding:.*chunked/im.test(head)) return endOfChunks(input, bodyStart);
  return bodyStart + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
}
// #endregion end-of-body

/** Good enough for bodies in which no chunk ends in a zero. */
function endOfChunks(input: string, bodyStart: number): number {
  const lastChunk = input.indexOf('0\r\n\r\n', bodyStart);
  return lastChunk === -1 ? -1 : lastChunk + 5;
}

// #region yours
/** The same, as your exercise 2.3 sees it, which may throw. */
function endOfBodyByYours(input: string, bodyStart: number): number {
  const lines = input.slice(0, bodyStart - 4).split('\r\n').slice(1);
  const headers = HttpHeaders.from(lines.map(parseHeaderField));
  const framing = bodyFraming({ httpVersion: '1.1', headers });
  if (framing.kind === 'chunked') return endOfChunks(input, bodyStart);
  return bodyStart + (framing.kind === 'length' ? framing.length : 0);
}
// #endregion yours

/** Answers every whole request in `input`, and returns what is left of it. */
function answerAll(input: string, socket: Socket): string {
  for (;;) {
    const bodyStart = input.indexOf('\r\n\r\n') + 4;
    if (bodyStart < 4) return input;
    const end = yours ? endOfBodyByYours(input, bodyStart) : endOfBody(input, bodyStart);
    if (end === -1 || end > input.length) return input;
    const request = input.slice(0, bodyStart);
    const user = /^cookie: *user=(\w+)/im.exec(request)?.[1] ?? 'nobody';
    console.log(`back:  ${request.slice(0, request.indexOf(' HTTP/'))}, by ${user}`);
    const text = act(request, user);
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
    input = input.slice(end);
  }
}

function act(request: string, user: string): string {
  const to = /^GET \/send\?to=(\w+) /.exec(request)?.[1];
  const balance = coins[user] ?? 0;
  if (to === undefined) return request.startsWith('GET /balance ') ? `${user} has ${balance} coins\n` : 'thank you\n';
  coins[to] = (coins[to] ?? 0) + balance;
  coins[user] = 0;
  return `${user} has sent ${balance} coins to ${to}\n`;
}

const server = createServer((socket) => {
  let input = '';
  socket.on('data', (bytes) => {
    try {
      input = answerAll(input + bytes.toString('latin1'), socket);
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
      console.log(`back:  refused: ${error.message}`);
      socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 12\r\nConnection: close\r\n\r\nBad Request\n');
    }
  });
  socket.on('error', () => {});
});
server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 8003) }, () => console.log('back:  listening'));
