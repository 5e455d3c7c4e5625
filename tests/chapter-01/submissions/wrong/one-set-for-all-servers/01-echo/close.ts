import type { Server, Socket } from 'node:net';

export const DEADLINE_MS = 10_000;

export interface CloseOptions {
  deadlineMs?: number;
}

const connections = new Set<Socket>();

export function trackConnections(server: Server): void {
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
  });
}

export async function closeGracefully(server: Server, options: CloseOptions = {}): Promise<void> {
  const { deadlineMs = DEADLINE_MS } = options;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const deadline = setTimeout(() => {
    for (const socket of connections) socket.destroy();
  }, deadlineMs);
  await closed;
  clearTimeout(deadline);
}
