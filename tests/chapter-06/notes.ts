/** What tests ask of the notes that applications made. */
import { check } from '#support/failure.ts';
import { eventually } from '#support/http-exchange.ts';
import type { HttpWorld } from '#support/http-exchange.ts';
import type { Report } from './stage.ts';

/** As much of a world as is needed here. */
export interface NotesWorld extends HttpWorld {
  call(name: 'events'): Promise<string[]>;
  call(name: 'reports'): Promise<Report[]>;
}

export interface NoteReport {
  sent: string;
  expected: string;
  likely?: string;
}

/** Waits until a note begins so, and gives what follows in it. */
export async function noted(world: NotesWorld, beginning: string, report: NoteReport, times = 1): Promise<string> {
  let found: string[] = [];
  const here = async (): Promise<boolean> => {
    found = (await world.call('events')).filter((event) => event.startsWith(beginning));
    return found.length >= times;
  };
  if (!(await here())) await eventually(world, here, { ...report, received: `it was not noted: ${beginning}` });
  return found[times - 1]!.slice(beginning.length);
}

/** Waits for the outcomes of steps, by their names, and compares them. */
export async function expectOutcomes(world: NotesWorld, outcomes: Record<string, string | readonly string[]>, sent: string): Promise<void> {
  for (const [as, wanted] of Object.entries(outcomes)) {
    const allowed = [wanted].flat() as string[];
    const expected = `${as}: ${allowed.join(' or ')}`;
    const came = await noted(world, `${as}: `, { sent, expected });
    check(allowed.includes(came), { sent, received: `${as}: ${came}`, expected });
  }
}

/** What was reported, as `A60` for a GatewayError and the error's name for others, in order. */
export async function reported(world: NotesWorld): Promise<string[]> {
  return (await world.call('reports')).map(({ rule, name }) => rule ?? name);
}

/** Waits until so much was reported, gives it time for more, and compares. */
export async function expectReports(world: NotesWorld, expected: readonly string[], sent: string): Promise<void> {
  const show = (list: readonly string[]): string => (list.length === 0 ? 'nothing was reported' : `reported: ${list.join(', ')}`);
  if (expected.length > 0) {
    const report = { sent, received: 'fewer reports than these', expected: show(expected) };
    await eventually(world, async () => (await reported(world)).length >= expected.length, report);
  }
  await world.settle();
  const came = await reported(world);
  check(came.join() === expected.join(), { sent, received: show(came), expected: show(expected) });
}
