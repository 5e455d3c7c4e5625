/**
 * What every design is, seen from outside: a function that starts a server, and a server that can be asked for
 * statistics and closed.
 */

import type { AddressInfo } from 'node:net';

export interface DesignOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /**
   * How many processes or threads. A pool always has this many; where each connection has its own, there are at most this many.
   * Designs on one loop have none. Default: one for each core.
   */
  readonly workers?: number;
  /** How many connections or tasks may wait for a worker; any more are answered with 503. Default 64. */
  readonly queueMax?: number;
  /** A worker of a pool that takes longer over one task is replaced. Milliseconds, or `Infinity`; default 30,000. */
  readonly taskTimeoutMs?: number;
  /** How long `/slow` waits for its pretended database, in milliseconds. Default 500. */
  readonly waitMs?: number;
  /** How long a connection may be silent, in milliseconds. Default 5,000. */
  readonly idleMs?: number;
  /** Adds `/crash`, which ends the worker that serves it, and `/hang`, which never ends. Default false. */
  readonly faults?: boolean;
  /** Called for each worker that died, and for any other error on our side. Default: a line on stderr. */
  readonly onError?: (error: unknown) => void;
}

/** Something that serves: this process's own loop, another process, or a thread. */
export interface WorkerStats {
  readonly kind: 'loop' | 'process' | 'thread';
  /** A pid, or a thread's id. */
  readonly id: number;
  /** Responses so far, not counting /stats. */
  readonly served: number;
}

export interface Stats {
  /** Connections open now, including those that wait for a worker. */
  readonly open: number;
  /** Responses of the application so far, not counting /stats, but including those of workers that are gone. */
  readonly served: number;
  /** Connections or requests that were answered with 503 because the queue was full. */
  readonly refused: number;
  /** Connections or tasks that wait for a worker. */
  readonly queued: number;
  /** Those that are alive. */
  readonly workers: readonly WorkerStats[];
}

export interface CloseOptions {
  /** What is still in progress after this many milliseconds is cut off. Default 10,000. */
  readonly deadlineMs?: number;
}

export interface RunningServer {
  readonly address: AddressInfo;
  stats(): Promise<Stats>;
  /** Stops accepting, finishes what is in progress, and leaves no process or thread running. */
  close(options?: CloseOptions): Promise<void>;
}

/**
 * Starts a server. Resolves when connections are accepted.
 *
 * @throws Error with `code` for an address that cannot be had; RangeError for an option that makes no sense; Error when
 * the workers do not start
 */
export type Design = (options?: DesignOptions) => Promise<RunningServer>;

export const CLOSE_DEADLINE_MS = 10_000;
