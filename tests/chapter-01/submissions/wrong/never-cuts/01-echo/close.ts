import type { Server } from 'node:net';

export const DEADLINE_MS = 10_000;

export interface CloseOptions {
  deadlineMs?: number;
}

export function trackConnections(_server: Server): void {
  // Nobody has to be remembered.
}

export async function closeGracefully(server: Server, _options: CloseOptions = {}): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
