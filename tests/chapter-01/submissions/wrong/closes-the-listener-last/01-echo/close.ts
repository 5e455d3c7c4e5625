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

export async function closeGracefully(server: Server, options: CloseOptions = {}): Promise<void> {
  const { deadlineMs = DEADLINE_MS } = options;
  const open = connections.get(server) ?? new Set();
  const deadline = setTimeout(() => {
    for (const socket of open) socket.destroy();
  }, deadlineMs);

  while (open.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  clearTimeout(deadline);
  await new Promise((resolve) => server.close(resolve));
}
