/** What tests ask of the notes that applications made. They are waited for in the time of the code under test. */
import type { World } from '#support/exercise.ts';
import { check, CheckFailure } from '#support/failure.ts';
import type driver from './driver.ts';

type NotesWorld = World<typeof driver>;

export interface NoteReport {
  sent: string;
  expected: string;
  received?: string;
  likely?: string;
}

/** Waits until a note begins so, for the `times`th time, and gives what follows in it. */
export async function noted(world: NotesWorld, beginning: string, report: NoteReport, times = 1): Promise<string> {
  const note = await firstOf(world, [beginning], { received: missing(beginning), ...report }, times);
  return note.slice(beginning.length);
}

/** That a note did not come, in plain words. */
function missing(beginning: string): string {
  if (beginning === 'stopped') return 'the server has not stopped';
  if (beginning.endsWith(': ')) return `the step ${JSON.stringify(beginning.slice(0, -2))} of the application has no outcome`;
  return `the application has not come as far as ${JSON.stringify(beginning)}`;
}

/** Waits for a note that begins with one of these. @param from how many notes are too old */
export async function firstOf(
  world: NotesWorld,
  beginnings: readonly string[],
  report: NoteReport,
  times = 1,
  from = 0,
): Promise<string> {
  try {
    return await world.call('told', beginnings, times, from);
  } catch (error) {
    // The server did start: it is a note that did not come.
    if (!(error instanceof CheckFailure) || error.report.kind !== 'did not start') throw error;
    const received = `none of these was noted: ${beginnings.join(', ')}`;
    throw new CheckFailure({ kind: 'wrong behaviour', received, ...report });
  }
}

/** Waits for the outcomes of steps, by their names, and compares them. */
export async function expectOutcomes(
  world: NotesWorld,
  outcomes: Record<string, string | readonly string[]>,
  sent: string,
): Promise<void> {
  for (const [as, wanted] of Object.entries(outcomes)) {
    const allowed = [wanted].flat() as string[];
    const expected = `${as}: ${allowed.join(' or ')}`;
    const came = await noted(world, `${as}: `, { sent, expected });
    check(allowed.includes(came), { sent, received: `${as}: ${came}`, expected });
  }
}

/** Waits until so much was reported, gives it time for more, and compares: `A60` for a GatewayError, else the name. */
export async function expectReports(world: NotesWorld, expected: readonly string[], sent: string): Promise<void> {
  const show = (list: readonly string[]): string =>
    list.length === 0 ? 'nothing was reported' : `reported: ${list.join(', ')}`;
  const report = { sent, received: 'fewer reports than these', expected: show(expected) };
  if (expected.length > 0) await noted(world, 'a report', report, expected.length);
  await world.settle();
  const came = (await world.call('reports')).map(({ rule, name }) => rule ?? name);
  check(came.join() === expected.join(), { ...report, received: show(came) });
}
