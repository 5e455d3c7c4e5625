/** What an attack is: what it does, and what it says in the end. */

import type { Target } from './target.ts';

export interface Attack {
  /** What it does, in a sentence without its subject: `begins heads and does not end them`. */
  readonly does: string;
  /** The rules that ask that a server stands it: `8.2/slow-head`. */
  readonly rules: readonly string[];
  /** How many connections it makes, and for how many seconds at most it goes on, unless it is told otherwise. */
  readonly connections: number;
  readonly seconds: number;
  /** It is about the handshake, so it needs a server that speaks HTTPS. */
  readonly needsTls?: true;
  readonly run: (target: Target) => Promise<Verdict>;
}

export interface Verdict {
  /** `null` if this server has nothing that could be seen to stand or to fall. */
  readonly stood: boolean | null;
  /** Why it says so: what was seen. */
  readonly why: string;
}

export const stood = (why: string): Verdict => ({ stood: true, why });
export const fell = (why: string): Verdict => ({ stood: false, why });
export const undecided = (why: string): Verdict => ({ stood: null, why });
