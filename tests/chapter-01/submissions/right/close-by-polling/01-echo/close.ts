import type { Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export const DEADLINE_MS = 10_000;

export interface CloseOptions {
  deadlineMs?: number;
}

const OPEN = Symbol('open connections');

type Tracked = Server & { [OPEN]?: Socket[] };

export function trackConnections(server: Server): void {
  const open: Socket[] = ((server as Tracked)[OPEN] = []);
  server.on('connection', (socket) => {
    open.push(socket);
  });
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((error, count) => resolve(error ? 0 : count)));
}

export async function closeGracefully(server: Server, options: CloseOptions = {}): Promise<void> {
  const until = performance.now() + (options.deadlineMs ?? DEADLINE_MS);
  server.close();
  while ((await connectionsOf(server)) > 0) {
    if (performance.now() >= until) for (const socket of (server as Tracked)[OPEN] ?? []) socket.destroy();
    await sleep(20);
  }
}
