import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { startDeadline } from './deadline.ts';

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
  const passed = Promise.withResolvers<void>();
  const deadline = startDeadline(passed.resolve, deadlineMs);
  const closed = once(server, 'close');
  server.close();
  await Promise.race([closed, passed.promise]);
  for (const socket of mine) socket.resetAndDestroy();
  await closed;
  deadline.clear();
}
