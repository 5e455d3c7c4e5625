/**
 * The books: each request is entered when it is sent and closed once. They must balance, or the bench ends.
 *
 * A request has two ends. By its first attempt it is judged for clients that do not retry; by its last one, for those
 * that retry. So one run fills both columns, with the same requests.
 */

/** Ways to lose a request. */
export const failures = ['refused', 'reset', 'cut', 'wrong', 'unanswered'] as const;
export type Failure = (typeof failures)[number];

/** What each of them means to a client. */
export const failureMeanings: Readonly<Record<Failure, string>> = {
  refused: 'nobody listens at the address',
  reset: 'the connection ended before a byte of the answer had come: the only loss that a client may repair by a retry',
  cut: 'the connection ended in the middle of the answer; of a WebSocket, without a Close frame of 1001 or 1012',
  wrong: 'not the answer to this request: another status, another body, or bytes that are not HTTP',
  unanswered: 'no answer within the patience of the client',
};

export interface Totals {
  readonly sent: number;
  /** At the first attempt. */
  readonly answered: number;
  /** The first attempts that failed: what clients lose that do not retry. */
  readonly lost: Readonly<Record<Failure, number>>;
  readonly lostWithoutRetry: number;
  /** What clients lose that retry. */
  readonly lostWithRetry: number;
  /** From the first attempt to the end, for the request that waited longest. */
  readonly worstMs: number;
}

export class Books {
  #sent = 0;
  #answered = 0;
  readonly #lost: Record<Failure, number> = { refused: 0, reset: 0, cut: 0, wrong: 0, unanswered: 0 };
  #lostWithRetry = 0;
  #worstMs = 0;

  /** A request begins. Call what comes back once, when it has ended. */
  enter(): Entry {
    this.#sent++;
    return new Entry(({ first, last, waitMs }) => {
      if (first === null) this.#answered++;
      else this.#lost[first]++;
      if (last !== null) this.#lostWithRetry++;
      this.#worstMs = Math.max(this.#worstMs, waitMs);
    });
  }

  /** Requests that have ended, in whatever way. */
  get ended(): number {
    return this.#answered + this.#lostWithoutRetry();
  }

  /** @throws Error when requests are still open, or have been counted twice */
  totals(): Totals {
    const lostWithoutRetry = this.#lostWithoutRetry();
    if (this.#sent !== this.#answered + lostWithoutRetry) {
      throw new Error(`the books do not balance: ${this.#sent} sent, ${this.#answered} answered, ${lostWithoutRetry} lost`);
    }
    return {
      sent: this.#sent, answered: this.#answered, lost: { ...this.#lost }, lostWithoutRetry,
      lostWithRetry: this.#lostWithRetry, worstMs: this.#worstMs,
    };
  }

  #lostWithoutRetry(): number {
    return failures.reduce((sum, failure) => sum + this.#lost[failure], 0);
  }
}

interface End {
  readonly first: Failure | null;
  readonly last: Failure | null;
  readonly waitMs: number;
}

/** One request in the books. */
export class Entry {
  readonly #close: (end: End) => void;
  readonly #begunMs = performance.now();
  #first: Failure | null = null;
  #failed = false;
  #waitMs = 0;
  #closed = false;

  constructor(close: (end: End) => void) {
    this.#close = close;
  }

  /** An attempt has failed, and there may be another one. */
  failed(failure: Failure): void {
    if (!this.#failed) this.#first = failure;
    this.#failed = true;
  }

  /** Something that was waited for has come; a long connection waits more than once. */
  waited(ms: number): void {
    this.#waitMs = Math.max(this.#waitMs, ms);
  }

  /** The end of the request: `null` when all is well, or how it was lost. */
  close(failure: Failure | null): void {
    if (this.#closed) throw new Error('a request has ended twice');
    this.#closed = true;
    if (failure !== null) this.failed(failure);
    this.#close({ first: this.#first, last: failure, waitMs: this.#waitMs === 0 ? performance.now() - this.#begunMs : this.#waitMs });
  }
}
