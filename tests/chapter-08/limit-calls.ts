/** The calls of 8.3: buckets by themselves, on a clock that a test writes down. */
import type { Door } from './door.ts';

export interface BucketRun {
  intervalMs: number;
  burst: number;
  clientsMax?: number;
  /** When a client takes a token. */
  takes: readonly (readonly [key: string, atMs: number])[];
}

export function limitCalls(chapter: Door) {
  return {
    /** What each of them got: 0, or how many milliseconds it has to wait; and how many clients are remembered at the end. */
    buckets: ({ takes, ...options }: BucketRun): { waits: number[]; size: number } => {
      const buckets = new chapter.TokenBuckets(options);
      return { waits: takes.map(([key, atMs]) => buckets.take(key, atMs)), size: buckets.size };
    },
  };
}
