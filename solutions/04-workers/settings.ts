/**
 * The options of a design with their defaults filled in.
 */

import { availableParallelism } from 'node:os';

import { TIMER_MS_MAX } from '../01-echo/index.ts';
import type { DesignOptions } from './design.ts';

/** What a worker needs to know: plain data, so that it can be sent. */
export interface AppSettings {
  readonly waitMs: number;
  readonly idleMs: number;
  readonly faults: boolean;
}

export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  readonly queueMax: number;
  readonly taskTimeoutMs: number;
  readonly app: AppSettings;
  readonly onError: (error: unknown) => void;
}

/** More than this many for each core makes no sense: each costs memory, and a core can run only one. */
const SENSIBLE_PER_CORE = 16;
const MEMORY = { process: '40 MB', thread: '10 MB' };

/** @throws RangeError for a number that makes no sense */
export function settingsOf(options: DesignOptions = {}): Settings {
  const { host = '127.0.0.1', port = 0, workers = availableParallelism(), queueMax = 64 } = options;
  const { taskTimeoutMs = 30_000, waitMs = 500, idleMs = 5_000, faults = false, onError = reportToStderr } = options;
  checkNumber('workers', workers, 1);
  checkNumber('queueMax', queueMax, 0);
  if (taskTimeoutMs !== Infinity) checkNumber('taskTimeoutMs', taskTimeoutMs, 1);
  // At most as long as a timer can wait. Besides, Infinity cannot be sent to a process.
  const app = { waitMs: Math.min(waitMs, TIMER_MS_MAX), idleMs: Math.min(idleMs, TIMER_MS_MAX), faults };
  return { host, port, workers, queueMax, taskTimeoutMs, app, onError };
}

function checkNumber(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) throw new RangeError(`${name}: a whole number from ${least}, not ${value}`);
}

/** Why this many workers are too many; `null` if they are not. */
export function tooManyWorkers(workers: number, kind: 'process' | 'thread', cores = availableParallelism()): string | null {
  if (workers <= cores * SENSIBLE_PER_CORE) return null;
  return `${workers} workers on ${cores} cores: each takes about ${MEMORY[kind]}, and only ${cores} can run at a time`;
}

function reportToStderr(error: unknown): void {
  console.error(error instanceof Error ? `error: ${error.message}` : error);
}
