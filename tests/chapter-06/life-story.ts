/** What the tests of 6.5 and 6.6 ask of the application's side, and how they wait for it. */
import { check, CheckFailure } from '#support/failure.ts';
import type { FailureReport } from '#support/failure.ts';
import type { World } from '#support/exercise.ts';
import type driver from './driver.ts';

export type StoryWorld = Pick<World<typeof driver>, 'call' | 'settle' | 'subject'>;

/** Waits until the application has noted `who: what`. */
export async function told(world: StoryWorld, who: string, what: string, report: Partial<FailureReport> = {}): Promise<void> {
  try {
    await world.call('seen', `${who}: ${what}`);
  } catch (error) {
    // The call did not come back: nothing of the kind was noted.
    if (!(error instanceof CheckFailure) || error.report.kind !== 'did not start') throw error;
    throw new CheckFailure({ kind: 'wrong behaviour', received: showStory(await storyOf(world, who)), expected: `the application is told: ${what}`, ...report });
  }
}

/** Waits until this has been noted. */
export async function noted(world: StoryWorld, line: string, report: Partial<FailureReport> = {}): Promise<void> {
  try {
    await world.call('seen', line);
  } catch (error) {
    if (!(error instanceof CheckFailure) || error.report.kind !== 'did not start') throw error;
    const events = await world.call('events');
    throw new CheckFailure({ kind: 'wrong behaviour', received: events.length === 0 ? 'nothing has happened' : `what has happened: ${events.slice(-5).join('; ')}`, expected: line, ...report });
  }
}

/** As {@link told}, and nothing else may have been told that begins as it does. */
export async function toldOnly(world: StoryWorld, who: string, what: string, report: Partial<FailureReport> = {}): Promise<void> {
  await told(world, who, what, report);
  const [kind = ''] = what.split(' ');
  const lines = (await storyOf(world, who)).filter((line) => line.startsWith(kind));
  check(lines.length === 1, { received: showStory(lines), expected: `the application is told: ${what}, and this once`, ...report });
}

/** What one application has noted. */
export async function storyOf(world: StoryWorld, who: string): Promise<string[]> {
  const beginning = `${who}: `;
  return (await world.call('events')).filter((line) => line.startsWith(beginning)).map((line) => line.slice(beginning.length));
}

export function showStory(lines: readonly string[]): string {
  return lines.length === 0 ? 'the application was told nothing' : `of the application: ${lines.slice(-5).join('; ')}`;
}

/** Nothing was reported as a fault. */
export async function expectNoReports(world: StoryWorld, sent: string): Promise<void> {
  const reports = await world.call('reports');
  check(reports.length === 0, { sent, received: `the server reports: ${reports.map(({ name, message }) => `${name}: ${message}`).join('; ')}`, expected: 'nothing to report' });
}

/** Waits until the server has stopped. */
export async function stopped(world: StoryWorld, sent: string): Promise<void> {
  try {
    await world.call('seen', 'stopped');
  } catch (error) {
    if (!(error instanceof CheckFailure) || error.report.kind !== 'did not start') throw error;
    const connections = await world.call('connections');
    throw new CheckFailure({ kind: 'wrong behaviour', sent, received: `the server has not stopped; it counts ${connections} connections`, expected: 'it has stopped' });
  }
}

/** How often a number may be asked for before it counts as what it is, and how long one waits in between, after the first times. */
const ASKED_MAX = 550;
const ASKED_AT_ONCE = 50;
const PAUSE_MS = 10;

/** Waits until the server counts no connection any more; some have a time of their own left. */
export async function expectNoConnections(world: StoryWorld, sent: string, report: Partial<FailureReport> = {}): Promise<void> {
  let open = 0;
  for (let asked = 0; asked < ASKED_MAX; asked++) {
    open = await world.call('connections');
    if (open === 0) return;
    await world.settle();
    // In the server's own time: a busy machine takes none of it away.
    if (asked >= ASKED_AT_ONCE) await world.subject.until(() => false, { patienceMs: PAUSE_MS });
  }
  check(open === 0, { sent, received: `the server still counts ${open} connection${open === 1 ? '' : 's'}`, expected: 'none is left', ...report });
}

/** Asks until a number has stayed the same for a while, and gives it. */
export async function standstill(world: StoryWorld, ask: () => Promise<number> | number): Promise<number> {
  let last = await ask();
  for (let same = 0; same < 25; same++) {
    await world.settle();
    const now = await ask();
    if (now !== last) same = -1;
    last = now;
  }
  return last;
}
