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
  const startedMs = performance.now();
  const passedMs = (): number => performance.now() - startedMs;
  const clients = await target.openAll(open);
  if (begin) clients.filter(({ isOpen }) => isOpen).forEach(begin);
  const held = (): Client[] => clients.filter(({ isOpen }) => isOpen);
  for (let reportMs = 0; ;) {
    const answer = await target.ask();
    if (signal.aborted) break;
    if (passedMs() >= reportMs || held().length === 0 || answer === null) {
      console.log(`${seconds3(passedMs())}  ${held().length} of ${connections} ${what}; somebody else ${answer === null ? 'is not served' : `is served in ${Math.ceil(answer.ms)} ms`}`);
      reportMs += REPORT_MS;
    }
    if (answer === null) return fell(`nobody else is served while it has ${held().length} ${what}`);
    if (held().length === 0) break;
    if (passedMs() > 1000 * seconds) return fell(`${held().length} of ${connections} ${what} are still there after ${seconds} s, and can stay as long as they like`);
    if (goOn) held().forEach(goOn);
    await target.until(() => held().length === 0, GAP_MS);
  }
  return stood(`it has ended all ${connections} ${what} within ${Math.ceil(passedMs() / 1000)} s, and has served others meanwhile${said(clients)}`);
}

/** What the server has told those that it has ended. */
function said(clients: readonly Client[]): string {
  const statuses = new Set(clients.map(({ status }) => status).filter((status) => status !== null));
  return statuses.size === 0 ? '' : ` (status ${[...statuses].join(', ')})`;
}

function seconds3(ms: number): string {
  return `${String(Math.round(ms / 1000)).padStart(3)} s`;
}
