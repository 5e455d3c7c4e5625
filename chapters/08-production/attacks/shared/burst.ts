/** Many requests, each as soon as the one before it has its answer, and what became of them. */

import type { Target } from './target.ts';

export interface Burst {
  /** How many responses had each status. */
  readonly statuses: ReadonlyMap<number, number>;
  /** What `Retry-After` said first; `null` where it was not there. */
  readonly retryAfter: string | null;
  readonly seconds: number;
}

/** @param fieldsOf more fields for request number N, each with its line end */
export async function burst(target: Target, requests: number, fieldsOf: (number: number) => string = () => ''): Promise<Burst> {
  const { connections, seconds, signal } = target.options;
  const statuses = new Map<number, number>();
  let retryAfter: string | null = null;
  let next = 0;
  const startedMs = performance.now();
  const isOver = (): boolean => signal.aborted || performance.now() - startedMs > 1000 * seconds;
  await Promise.all(Array.from({ length: connections }, async () => {
    for (let number = next++; number < requests && !isOver(); number = next++) {
      const client = await target.open();
      client.write(`${target.head()}Connection: close\r\n${fieldsOf(number)}\r\n`);
      await target.until(() => !client.isOpen, 5_000);
      client.socket.destroy();
      // No status is a status, too: the connection was closed.
      const status = client.status ?? 0;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 429) retryAfter ??= /\r\nRetry-After: *([^\r]*)/i.exec(client.received)?.[1] ?? null;
    }
  }));
  return { statuses, retryAfter, seconds: (performance.now() - startedMs) / 1000 };
}

/** `40 times 200, 60 times 429`. */
export function told({ statuses }: Burst): string {
  return [...statuses].map(([status, times]) => `${times} times ${status === 0 ? 'no answer' : status}`).join(', ');
}
