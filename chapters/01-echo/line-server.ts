/**
 * A server that speaks lines: one line in, one line out, in order.
 *
 * This is the driver. It reads, feeds the decoder, writes what comes out and
 * asks whether to close. The decoder decides what a line is, the handler what
 * it means.
 */
import { NotImplemented } from '#course/not-implemented.ts';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { trackConnections } from './close.ts';
import { startDeadline } from './deadline.ts';
import { CONNECTIONS_MAX } from './echo.ts';
import { LINE_BYTES_MAX, LineDecoder, LineTooLongError } from './line-decoder.ts';

/**
 * Answers one line (without its ending) with one line. It must not throw: what a
 * server does about handlers that throw is a question for chapter 02.
 */
export type LineHandler = (line: string) => string;

export interface LineServerOptions {
  /** Answers each line. Default: the line itself. */
  onLine?: LineHandler;
  /** The longest line in bytes, not counting its ending. Default {@link LINE_BYTES_MAX}. */
  lineBytesMax?: number;
  /** Clients connected at once; any more are closed without an answer. Default {@link CONNECTIONS_MAX}. */
  connectionsMax?: number;
}

/**
 * Creates a line server that is not listening yet; see `listen`.
 *
 * Each line is answered with `onLine(line)` and LF. A line over the limit is
 * answered with one line that starts with `error`, and the connection ends;
 * what the client sends after that line is dropped.
 */
export function createLineServer(options: LineServerOptions = {}): Server {
  const { onLine = (line: string) => line, lineBytesMax = LINE_BYTES_MAX } = options;
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  trackConnections(server); // Does nothing yet: exercise 1.6 fills it in.

  // TODO 1.5  Each client gets a LineDecoder of its own. Bytes that arrive go into
  //           it; `answerLines` then answers every whole line. At the client's
  //           FIN, tell the decoder, answer a last line if there is one, and end
  //           the server's side. Treat resets, and clients that do not read, as
  //           echo.ts does. Return the server.
  throw new NotImplemented('1.5');
}

/**
 * Answers every whole line that the decoder holds, in one write. Given.
 *
 * @returns what `socket.write` returned: false when the client takes no more for now
 */
function answerLines(socket: Socket, decoder: LineDecoder, onLine: LineHandler): boolean {
  let replies = '';
  try {
    for (let event = decoder.nextEvent(); event.type === 'line'; event = decoder.nextEvent()) {
      replies += `${onLine(event.line)}\n`;
    }
  } catch (error) {
    if (!(error instanceof LineTooLongError)) throw error;
    refuse(socket, `${replies}error: ${error.message}\n`);
    return true;
  }
  return replies === '' || socket.write(replies);
}

/**
 * Writes the last words and closes. Given.
 *
 * The client may still be sending: bytes that arrive at a closed socket are
 * answered with RST, and an RST can overtake the error line. So we go on
 * reading, drop what comes, and leave only when the client has sent its FIN or
 * {@link LINGER_MS} have passed.
 */
function refuse(socket: Socket, lastWords: string): void {
  if (socket.writableEnded) return;
  socket.removeAllListeners('data');
  socket.removeAllListeners('end');
  socket.end(lastWords);
  const linger = startDeadline(() => socket.destroy(), LINGER_MS);
  socket.on('close', () => linger.clear());
}

/** How long a refused client may go on sending before it is cut off. */
const LINGER_MS = 1000;
