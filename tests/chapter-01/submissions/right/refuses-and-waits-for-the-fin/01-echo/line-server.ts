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
    if (socket.writableEnded) return;
    decoder.receiveData(bytes);
    if (!answerLines(socket, decoder, onLine)) socket.pause();
  });
  socket.on('end', () => {
    if (socket.writableEnded) return;
    decoder.receiveEof();
    answerLines(socket, decoder, onLine);
    if (!socket.writableEnded) socket.end();
  });
  socket.on('drain', () => socket.resume());
  socket.on('error', () => socket.destroy());
}

function answerLines(socket: Socket, decoder: LineDecoder, onLine: LineHandler): boolean {
  let replies = '';
  try {
    for (let event = decoder.nextEvent(); event.type === 'line'; event = decoder.nextEvent()) {
      replies += `${onLine(event.line)}\n`;
    }
  } catch (error) {
    if (!(error instanceof LineTooLongError)) throw error;
    socket.end(`${replies}error - ${error.message}\n`);
    return true;
  }
  return replies === '' || socket.write(replies);
}
