import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { trackConnections } from './close.ts';
import { CONNECTIONS_MAX } from './echo.ts';
import { LINE_BYTES_MAX, LineDecoder, LineTooLongError } from './line-decoder.ts';

export type LineHandler = (line: string) => string;

export interface LineServerOptions {
  onLine?: LineHandler;
  lineBytesMax?: number;
  connectionsMax?: number;
}

export function createLineServer(options: LineServerOptions = {}): Server {
  const { onLine = (line: string) => line, lineBytesMax = LINE_BYTES_MAX } = options;
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  trackConnections(server);
  server.on('connection', (socket) => {
    serveLines(socket, new LineDecoder({ lineBytesMax }), onLine);
  });
  return server;
}

function serveLines(socket: Socket, decoder: LineDecoder, onLine: LineHandler): void {
  socket.on('data', (bytes) => {
    decoder.receiveData(bytes);
    if (!answerLines(socket, decoder, onLine)) socket.pause();
  });
  socket.on('end', () => {
    decoder.receiveEof();
    answerLines(socket, decoder, onLine);
    if (!socket.writableEnded) socket.end();
  });
  socket.on('drain', () => socket.resume());
  socket.on('error', () => socket.destroy());
}

function answerLines(socket: Socket, decoder: LineDecoder, onLine: LineHandler): boolean {
  let more = true;
  try {
    for (let event = decoder.nextEvent(); event.type === 'line'; event = decoder.nextEvent()) {
      more = socket.write(`${onLine(event.line)}\r\n`);
    }
  } catch (error) {
    if (!(error instanceof LineTooLongError)) throw error;
    refuse(socket, `ERROR 413 too long: at most ${error.lineBytesMax} bytes\r\n`);
    return true;
  }
  return more;
}

function refuse(socket: Socket, lastWords: string): void {
  if (socket.writableEnded) return;
  socket.removeAllListeners('data');
  socket.removeAllListeners('end');
  socket.end(lastWords);
  socket.resume();
  const linger = setTimeout(() => socket.destroy(), 1000);
  socket.on('close', () => clearTimeout(linger));
}
