import type { Server, Socket } from 'node:net';

export const DEADLINE_MS = 10_000;

export interface CloseOptions {
  deadlineMs?: number;
}

const connections = new WeakMap<Server, Set<Socket>>();

export function trackConnections(server: Server): void {
  const open = new Set<Socket>();
  connections.set(server, open);
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
}

export async function closeGracefully(server: Server, _options: CloseOptions = {}): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const deadline = setTimeout(() => {
    for (const socket of connections.get(server) ?? []) socket.destroy();
  }, DEADLINE_MS);
  await closed;
  clearTimeout(deadline);
}
