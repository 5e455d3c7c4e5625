import { once } from 'node:events';
import type { Server, Socket } from 'node:net';

export const DEADLINE_MS = 10_000;

export interface CloseOptions {
  deadlineMs?: number;
}

const open = new Map<Socket, Server>();

export function trackConnections(server: Server): void {
  server.on('connection', (socket: Socket) => {
    open.set(socket, server);
    socket.once('close', () => open.delete(socket));
  });
}

export async function closeGracefully(server: Server, { deadlineMs = DEADLINE_MS }: CloseOptions = {}): Promise<void> {
  if (!server.listening) return;
  const mine = [...open].filter(([, owner]) => owner === server).map(([socket]) => socket);
  const signal = AbortSignal.timeout(deadlineMs);
  signal.addEventListener('abort', () => {
    for (const socket of mine) socket.resetAndDestroy();
  });
  const closed = once(server, 'close');
  server.close();
  await closed;
}
