import { describe, expect, it } from 'vitest';
import type { FailureKind } from '#support/failure.ts';
import { judge } from '#support/judge.ts';
import type { Attempt, Judged } from '#support/judge.ts';

const QUIET: Attempt['ownTime'] = { lostMs: 900, toStrangersMs: 900, wallMs: 2000 };
const SHORT: Attempt['ownTime'] = { lostMs: 9000, toStrangersMs: 8000, wallMs: 10_000 };
/** As short, but by what this run does itself. */
const CROWDED: Attempt['ownTime'] = { lostMs: 9000, toStrangersMs: 1000, wallMs: 10_000 };

function failed(kind: FailureKind, ownTime = SHORT, timed?: true): Attempt {
  return { ownTime, failed: { error: new Error(kind), report: { kind, received: kind, ...(timed && { timed }) } } };
}

/** What is made of attempts that go like this, and how many of them there were. */
async function judged(attempts: readonly Attempt[], wallMs = 1000): Promise<Judged & { made: number }> {
  let made = 0;
  const verdict = await judge(async () => attempts[made++] ?? (await Promise.reject(new Error('one too many'))), () => made * wallMs);
  return { ...verdict, made };
}

describe('a failure on a machine that has time', () => {
  it.each(['silent', 'blocked', 'did not start', 'wrong behaviour', 'closed early', 'exited', 'wrong bytes'] as const)('%s is a failure at once', async (kind) => {
    expect(await judged([failed(kind, QUIET)])).toMatchObject({ failed: { report: { kind } }, made: 1 });
    expect((await judged([failed(kind, QUIET)])).busy).toBeUndefined();
  });
});

describe('on a machine that is short of time', () => {
  it.each(['wrong bytes', 'not started', 'does not load'] as const)('%s is a failure at once', async (kind) => {
    const verdict = await judged([failed(kind)]);
    expect(verdict).toMatchObject({ failed: { report: { kind } }, made: 1 });
    expect(verdict.busy).toBeUndefined();
  });

  it('a rule that passes has passed', async () => {
    expect(await judged([{ ownTime: SHORT }])).toEqual({ made: 1 });
  });

  it.each(['silent', 'blocked', 'did not start'] as const)('%s again and again does not count as a verdict', async (kind) => {
    expect(await judged([failed(kind), failed(kind), failed(kind)])).toMatchObject({ failed: { report: { kind } }, busy: { lostShare: 0.8, attempts: 3 }, made: 3 });
  });

  it('what a clock decided again and again does not count as a verdict', async () => {
    const late = failed('wrong behaviour', SHORT, true);
    expect(await judged([late, late, late])).toMatchObject({ busy: { attempts: 3 } });
  });

  it('late once and in time then is a pass', async () => {
    expect(await judged([failed('silent'), { ownTime: SHORT }])).toEqual({ made: 2 });
  });

  it('late once, and again when there is time, is a failure', async () => {
    const verdict = await judged([failed('silent'), failed('silent', QUIET)]);
    expect(verdict).toMatchObject({ failed: { report: { kind: 'silent' } }, made: 2 });
    expect(verdict.busy).toBeUndefined();
  });

  it('wrong again and again is a failure', async () => {
    const wrong = failed('wrong behaviour');
    const verdict = await judged([wrong, wrong, wrong]);
    expect(verdict).toMatchObject({ failed: { report: { kind: 'wrong behaviour' } }, made: 3 });
    expect(verdict.busy).toBeUndefined();
  });

  it('wrong once and then right does not count as a verdict', async () => {
    expect(await judged([failed('closed early'), { ownTime: SHORT }])).toMatchObject({ failed: { report: { kind: 'closed early' } }, busy: { attempts: 1 } });
  });

  it('late again and again is a failure where it is this run that keeps the machine busy', async () => {
    const late = failed('silent', CROWDED);
    const verdict = await judged([late, late, late]);
    expect(verdict).toMatchObject({ failed: { report: { kind: 'silent' } }, made: 3 });
    expect(verdict.busy).toBeUndefined();
    expect(await judged([late, { ownTime: CROWDED }])).toEqual({ made: 2 });
  });

  it('wrong is a failure at once where it is this run that keeps the machine busy', async () => {
    expect(await judged([failed('wrong behaviour', CROWDED)])).toMatchObject({ failed: { report: { kind: 'wrong behaviour' } }, made: 1 });
  });

  it('a rule that takes minutes is not run again', async () => {
    expect(await judged([failed('silent')], 100_000)).toMatchObject({ busy: { attempts: 1 }, made: 1 });
    expect(await judged([failed('wrong behaviour')], 100_000)).toMatchObject({ busy: { attempts: 1 }, made: 1 });
  });
});
