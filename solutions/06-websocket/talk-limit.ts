/**
 * How much a member may say in a while: a bucket that fills with time and is emptied by talking.
 */
export class TalkLimit {
  readonly #max: number;
  readonly #refillMs: number;
  #left: number;
  #lastMs = -Infinity;

  /** @param limits how many messages may be said at once, and as many again in `talkMs` */
  constructor({ talkMax, talkMs }: { readonly talkMax: number; readonly talkMs: number }) {
    this.#max = talkMax;
    this.#refillMs = talkMs / talkMax;
    this.#left = talkMax;
  }

  /** Whether one more may be said now; it counts as said. */
  allows(nowMs: number): boolean {
    this.#left = Math.min(this.#max, this.#left + (nowMs - this.#lastMs) / this.#refillMs);
    this.#lastMs = nowMs;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
