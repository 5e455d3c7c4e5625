import { once } from 'node:events';
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
  const { onLine = String, lineBytesMax = LINE_BYTES_MAX } = options;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    serve(socket, new LineDecoder({ lineBytesMax }), onLine).catch(() => socket.destroy());
  });
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  trackConnections(server);
  return server;
}

function* linesOf(decoder: LineDecoder): Generator<string> {
  for (;;) {
    const event = decoder.nextEvent();
    if (event.type !== 'line') return;
    yield event.line;
  }
}

async function serve(socket: Socket, decoder: LineDecoder, onLine: LineHandler): Promise<void> {
  socket.on('error', () => socket.destroy());
  const answer = async (): Promise<void> => {
    for (const line of linesOf(decoder)) {
      if (!socket.write(`${onLine(line)}\n`)) await once(socket, 'drain');
    }
  };
  let refused = false;
  for await (const bytes of socket) {
    if (refused) continue;
    try {
      decoder.receiveData(bytes as Buffer);
      await answer();
    } catch (error) {
      if (!(error instanceof LineTooLongError)) throw error;
      socket.end('error: your line is too long\n');
      refused = true;
    }
  }
  if (refused) return;
  decoder.receiveEof();
  await answer();
  socket.end();
}
