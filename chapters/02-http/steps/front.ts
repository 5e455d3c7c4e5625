/**
 * A proxy in front of a bank: `npx tsx chapters/02-http/steps/front.ts 8002 8003`.
 *
 * It knows Content-Length and has never heard of Transfer-Encoding. It keeps one connection to the back, for everybody.
 */
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';

const [port = 8002, backPort = 8003] = process.argv.slice(2).map(Number);

// #region end-of-body
/** Where the body that begins at `bodyStart` ends. */
function endOfBody(input: string, bodyStart: number): number {
  const head = input.slice(0, bodyStart);
  return bodyStart + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
}
// #endregion end-of-body

/** The first whole message in `input`: its bytes, or undefined. Requests and responses look alike from here. */
function firstMessage(input: string): string | undefined {
  const bodyStart = input.indexOf('\r\n\r\n') + 4;
  if (bodyStart < 4) return undefined;
  const end = endOfBody(input, bodyStart);
  return end > input.length ? undefined : input.slice(0, end);
}

let back: Socket | undefined;
let replies = '';
/** The clients that wait for a reply, in the order of their requests. */
const waiting: Socket[] = [];

function connectToBack(): Socket {
  replies = '';
  const socket = connect({ host: '127.0.0.1', port: backPort });
  socket.on('data', (bytes) => {
    replies += bytes.toString('latin1');
    for (let reply = firstMessage(replies); reply !== undefined; reply = firstMessage(replies)) {
      replies = replies.slice(reply.length);
      waiting.shift()?.write(reply, 'latin1');
    }
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    back = undefined;
    for (const client of waiting.splice(0)) client.destroy();
  });
  return socket;
}

// #region forward
const server = createServer((client) => {
  let input = '';
  client.on('data', (bytes) => {
    input += bytes.toString('latin1');
    for (let request = firstMessage(input); request !== undefined; request = firstMessage(input)) {
      input = input.slice(request.length);
      console.log(`front: ${request.slice(0, request.indexOf(' HTTP/'))}`);
      waiting.push(client);
      back ??= connectToBack();
      back.write(request, 'latin1');
    }
  });
  client.on('error', () => {});
});
// #endregion forward
server.listen({ host: '127.0.0.1', port }, () => console.log('front: listening'));
