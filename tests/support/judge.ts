/**
 * Whether a failure is the server's, or that of a machine that is busy with something else.
 *
 * The time that is lost to others (own-time.ts) is taken off wherever a test waits. What is left is a doubt: timers of
 * the server have gone off late, and so have ours. So where the machine was short of processors and a rule failed by
 * time, it is run again, in a new process and with the same seed. If that does not settle it, nothing is said against
 * the server: the rule was not judged. Where it was our own run that kept the machine busy, it is run again, too, but
 * what fails each time has failed: on a machine that has nothing else to do there is always a verdict.
 */
import { CheckFailure } from './failure.ts';
import type { FailureKind, FailureReport } from './failure.ts';
import type { OwnTime } from './own-time.ts';
import type { Subject } from './subject.ts';

/** One run of a rule, and what the machine had left for it. */
export interface Attempt {
  readonly ownTime: Pick<OwnTime, 'lostMs' | 'toStrangersMs' | 'wallMs'>;
  readonly failed?: Failed;
}

interface Failed {
  readonly error: unknown;
  readonly report: FailureReport;
}

/** Why a rule was not judged. */
export interface Busy {
  /** The share of the time in which its processes waited for a processor that strangers had, from 0 to 1. */
  readonly lostShare: number;
  readonly attempts: number;
}

/** What became of a rule: it has passed where nothing is said. */
export interface Judged {
  readonly failed?: Failed;
  readonly busy?: Busy;
}

const ATTEMPTS_MAX = 3;
/** After this many milliseconds on the clock a rule is not run again. */
const AGAIN_MS_MAX = 90_000;
/** A machine on which this share of the time is lost is short of processors. */
const SHORT_SHARE = 0.5;
/** Less than this, in milliseconds, decides nothing. */
const SHORT_MS = 400;

/** How long a rule may take in the time that its processes had: after that it hangs. */
const RULE_MS_MAX = 60_000;
/** And on the clock, however busy the machine. */
const RULE_WALL_MS_MAX = 180_000;

/** What no lack of time can bring about. */
const CERTAIN: readonly FailureKind[] = ['wrong bytes', 'not started', 'does not load'];
/** What is nothing but a lack of time, or looks the same. */
const TIMED: readonly FailureKind[] = ['silent', 'blocked', 'did not start'];

/** Runs a rule, and again where its failure may be the machine's. */
export async function judge(attempt: () => Promise<Attempt>, now: () => number = () => performance.now()): Promise<Judged> {
  const startedMs = now();
  const doubtful: Required<Attempt>[] = [];
  for (let count = 0; count < ATTEMPTS_MAX && (count === 0 || now() - startedMs < AGAIN_MS_MAX); count++) {
    const { ownTime, failed } = await attempt();
    if (failed === undefined) {
      // Once late and once in time is a pass. Once wrong and once right is neither.
      const wrong = doubtful.find((one) => !isTimed(one.failed.report));
      return wrong === undefined ? {} : tooBusy(wrong, doubtful);
    }
    // Our own run may make a test late, and excuses nothing else.
    const short = wasShort(ownTime, isTimed(failed.report) ? 'lostMs' : 'toStrangersMs');
    if (!short || CERTAIN.includes(failed.report.kind)) return { failed };
    doubtful.push({ ownTime, failed });
  }
  const last = doubtful.at(-1) as Required<Attempt>;
  // Wrong again and again in the same way: that is no matter of time.
  if (doubtful.length > 1 && doubtful.every(({ failed }) => !isTimed(failed.report))) return { failed: last.failed };
  if (!doubtful.some(({ ownTime }) => wasShort(ownTime, 'toStrangersMs'))) return { failed: last.failed };
  return tooBusy(last, doubtful);
}

function tooBusy({ failed }: Required<Attempt>, attempts: readonly Attempt[]): Judged {
  const sum = (of: 'toStrangersMs' | 'wallMs'): number => attempts.reduce((total, { ownTime }) => total + ownTime[of], 0);
  return { failed, busy: { lostShare: Math.round((100 * sum('toStrangersMs')) / sum('wallMs')) / 100, attempts: attempts.length } };
}

function isTimed({ kind, timed }: FailureReport): boolean {
  return timed === true || TIMED.includes(kind);
}

/** Whether the processes of an attempt waited for processors that others had. */
function wasShort(ownTime: Attempt['ownTime'], of: 'lostMs' | 'toStrangersMs'): boolean {
  return ownTime[of] >= SHORT_MS && ownTime[of] >= SHORT_SHARE * ownTime.wallMs;
}

/** The same as `work`, or a failure when it takes too long. */
export async function withinTime(subject: Subject, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const startedMs = performance.now();
  const { ownTime } = subject;
  // A process that has served another rule before has an account that is older than this.
  const startedOwnMs = ownTime.wallMs - ownTime.lostMs;
  const overdue = new Promise<never>((_, reject) => {
    const look = (): void => {
      if (ownTime.wallMs - ownTime.lostMs - startedOwnMs <= RULE_MS_MAX && performance.now() - startedMs <= RULE_WALL_MS_MAX) return;
      reject(new CheckFailure({ kind: 'silent', received: `this rule has not come to its end after ${Math.round((performance.now() - startedMs) / 1000)} s` }));
    };
    timer = setInterval(look, 1000);
  });
  // Whichever is late has nobody left who listens.
  work.catch(() => {});
  await Promise.race([work, overdue]).finally(() => clearInterval(timer));
}
