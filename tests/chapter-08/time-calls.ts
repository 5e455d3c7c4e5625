/** The calls of 8.2: patience by itself, for waits that a test writes down. */
import type { Door } from './door.ts';

export interface PatienceRun {
  bytesPerSecondMin: number;
  slackMs: number;
  /** How long each wait has taken, and what it has brought. */
  waits: readonly (readonly [waitedMs: number, bytes: number])[];
}

export function timeCalls(chapter: Door) {
  return {
    /** What is left at first, and after each wait. */
    patience: ({ waits, ...options }: PatienceRun): number[] => {
      const patience = new chapter.Patience(options);
      return [patience.leftMs, ...waits.map(([waitedMs, bytes]) => patience.after(waitedMs, bytes))];
    },
  };
}
