/** The attacks that take their time: many connections on which a little happens now and then. */

import type { Verdict } from './attack.ts';
import { fell, stood } from './attack.ts';
import type { Client } from './client.ts';
import type { Target } from './target.ts';

/** Between two signs of life of a slow client. */
const GAP_MS = 500;
/** How often it is said how things are. */
const REPORT_MS = 5_000;

export interface Hold {
  /** What each connection is, in the plural: `half-sent heads`. */
  readonly what: string;
  readonly open?: () => Promise<Client>;
  readonly begin?: (client: Client) => void;
  /** Done for each connection, now and then, as long as it is open. */
  readonly goOn?: (client: Client) => void;
}

/** Holds connections, and asks meanwhile whether others are served, until the server has ended them all or time is up. */
export async function hold(target: Target, { what, open, begin, goOn }: Hold): Promise<Verdict> {
  const { connections, seconds, signal } = target.options;
  const clients = await target.openAll(open);
  const held = (): Client[] => clients.filter(({ isOpen }) => isOpen);
  if (begin) held().forEach(begin);
  const startedMs = performance.now();
  const passedMs = (): number => performance.now() - startedMs;
  const others = new Others(target);
  for (let reportMs = 0; !signal.aborted;) {
    others.askAgain();
    const count = held().length;
    if (others.are !== 'not known' && (passedMs() >= reportMs || others.are === 'not served')) {
      console.log(`${String(Math.round(passedMs() / 1000)).padStart(3)} s  ${count} of ${connections} ${what}; others are ${others.are}`);
      reportMs = passedMs() + REPORT_MS;
    }
    if (others.are === 'not served') return fell(`nobody else is served while it has ${count} ${what}`);
    if (count === 0) break;
    if (passedMs() > 1000 * seconds) return fell(`${count} of ${connections} ${what} are still there after ${seconds} s (--seconds N waits longer)`);
    if (goOn) held().forEach(goOn);
    await target.until(() => held().length === 0, GAP_MS);
  }
  const endedMs = passedMs();
  if ((await target.ask()) === null) return fell(`nobody is served after ${connections} ${what}`);
  return stood(`it has ended all ${connections} ${what} within ${Math.ceil(endedMs / 1000)} s, and has served others meanwhile${said(clients)}`);
}

/** Somebody else, who asks again as soon as there was an answer. The attack does not wait for it. */
class Others {
  readonly #target: Target;
  #isAsking = false;
  /** `served in 3 ms`, or `not served`. */
  are = 'not known';

  constructor(target: Target) {
    this.#target = target;
  }

  askAgain(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#ask().catch((error: unknown) => console.error(error));
  }

  async #ask(): Promise<void> {
    const answer = await this.#target.ask();
    if (!this.#target.options.signal.aborted) this.are = answer === null ? 'not served' : `served in ${Math.ceil(answer.ms)} ms`;
    this.#isAsking = false;
  }
}

/** What the server has told those that it has ended. */
function said(clients: readonly Client[]): string {
  const statuses = new Set(clients.map(({ status }) => status).filter((status) => status !== null));
  return statuses.size === 0 ? '' : ` (status ${[...statuses].join(', ')})`;
}
