/**
 * What the designs on this process's own loop share: counting and reporting.
 */

import type { Stats } from './design.ts';

/** Counts responses. */
export class Tally {
  served = 0;

  readonly count = (): void => {
    this.served++;
  };
}

/** The statistics of a server without workers: the loop itself is the worker. */
export function loopStats(served: number, open: number, queued = 0, refused = 0): Stats {
  return { open, served, refused, queued, workers: [{ kind: 'loop', id: process.pid, served }] };
}
