import type { Server, Socket } from 'node:net';

export const DEADLINE_MS = 10_000;

export interface CloseOptions {
  deadlineMs?: number;
}

const connections = new WeakMap<Server, Socket>();

export function trackConnections(server: Server): void {
  server.on('connection', (socket) => connections.set(server, socket));
}

export async function closeGracefully(server: Server, options: CloseOptions = {}): Promise<void> {
  const { deadlineMs = DEADLINE_MS } = options;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const deadline = setTimeout(() => {
    connections.get(server)?.destroy();
  }, deadlineMs);
  await closed;
  clearTimeout(deadline);
}
