/**
 * Tests the tests: every wrong submission is caught by the rule that it is
 * tagged with and by nothing earlier, every right one passes, and every stage
 * passes as far as it goes.
 *
 *     npx tsx course/submissions.ts chapter-01 [NAME…] [--own]
 *     npx tsx course/submissions.ts --rebase REVISION
 *
 * The second form is for after a change of the reference: it carries every
 * submission over from the reference as it was at that revision to the reference
 * as it is now, by a three-way merge.
 *
 * By this command each wrong submission is run through all rules before its own
 * too, and each right one and each stage through all that it has done. With `--own`,
 * and in `npm run test:all`, it asks of a wrong one only the rule that must catch it, of a right one the
 * exercises from the first to the last that it changes, and leaves out those before
 * a stage: with hundreds of submissions these take the time, and an
 * exercise does not depend on the code of later ones. Those of a chapter that the
 * manifest calls slow, and those of the tuned servers, have their turn there on every
 * sixth day.
 *
 * Exit codes: 0 all as tagged, 1 not, 2 wrong use.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CheckResult, RuleResult } from './check-result.ts';
import { begunChapters, chapterName, readyChapters } from './manifest.ts';
import type { Chapter } from './manifest.ts';
import { JobPool, mapLimited } from './self-check/job-pool.ts';
import { sum } from './self-check/outcome.ts';
import type { Outcome } from './self-check/outcome.ts';
import { shortFailure } from './self-check/references.ts';
import { rebaseSubmissions } from './self-check/rebase.ts';
import { soFar } from './results.ts';
import { scratch } from './self-check/scratch.ts';
import { buildSubmission, listSubmissions } from './self-check/submission.ts';
import type { Submission } from './self-check/submission.ts';
import { ROOT } from './root.ts';
import { isLeftIn, readStarters } from './starters.ts';
import { TUNED } from './tuned.ts';

/** What became of one submission. */
export interface Verdict {
  readonly submission: Submission;
  readonly ok: boolean;
  /** What happened, on one line. */
  readonly line: string;
  /** This machine cannot run the rule that decides. */
  readonly skipped?: true;
  /** What was seen in a first run that was not as tagged. */
  readonly note?: string;
}

/** Runs one submission's tests, in a process that may be killed. */
type Check = JobPool['rules'];

/**
 * Puts a submission together in `tree`, runs what decides about it, and says
 * what happened. The tree is gone afterwards.
 *
 * @param earlier whether it is also run through what comes before the rule or the exercise that it is about
 */
export async function verdictOn(submission: Submission, tree: string, check: Check, earlier = true): Promise<Verdict> {
  try {
    const changed = buildSubmission(submission, tree);
    const run: Run = async (exercises, rule) => {
      const result = await check({ chapter: { ...submission.chapter, exercises }, tree, subject: submission.name, bail: true, ...(rule === undefined ? {} : { rule }) });
      const busy = rulesOf(result).find(({ status }) => status === 'busy');
      if (busy) throw new Error(`NOT JUDGED: ${busy.id}: ${shortFailure(busy)} (seed ${result.seed})`);
      return result;
    };
    if (submission.kind === 'wrong') {
      const judgement = await judgeWrong(submission, run, !earlier);
      const early = judgement.ok && earlier ? await caughtEarlier(submission, run) : undefined;
      return { submission, ...(early ?? judgement) };
    }
    const { exercises } = submission.chapter;
    const [first, last] = earlier ? [0, exercises.length - 1] : concerned(submission, changed);
    return { submission, ...(submission.kind === 'stage' ? await judgeStage(submission, run, first) : await judgeRight(run, exercises.slice(first, last + 1))) };
  } catch (error) {
    return { submission, ok: false, line: error instanceof Error ? error.message : String(error) };
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

/**
 * The places of the first and the last exercise that a right submission or a stage is about: the one that has been done,
 * or those whose TODOs are in the files that were changed. Where a change is in a file that nobody fills in, it is all.
 */
export function concerned({ kind, chapter, name }: Submission, changed: readonly string[]): [first: number, last: number] {
  const all = chapter.exercises.map((_, index) => index);
  if (kind === 'stage') return [chapter.exercises.findIndex(({ id }) => id === name), all.length - 1];
  const starters = readStarters(chapter);
  const places = changed.flatMap((file) => {
    const starter = starters[file];
    // A file of its own is there for those that are changed.
    if (starter === undefined) return [];
    const own = all.filter((index) => file.startsWith(`${chapter.folder}/`) && isLeftIn(starter, chapter.exercises[index]?.id ?? ''));
    return own.length > 0 ? own : all;
  });
  return places.length > 0 ? [Math.min(...places), Math.max(...places)] : [0, all.length - 1];
}

type Judgement = Omit<Verdict, 'submission'>;
/** Runs the rules of some exercises, or one rule of them. */
type Run = (exercises: Chapter['exercises'], rule?: string) => Promise<CheckResult>;

async function judgeWrong({ chapter, caughtBy = '' }: Submission, run: Run, alone: boolean): Promise<Judgement> {
  const tagged = chapter.exercises.findIndex((exercise) => caughtBy.startsWith(`${exercise.id}/`));
  const result = await run(chapter.exercises.slice(tagged, tagged + 1), alone ? caughtBy : undefined);
  if (result.problem !== undefined) return { ok: false, line: `the check did not come to its end: ${result.problem}` };
  const rules = rulesOf(result);
  const decisive = rules.find((rule) => rule.id === caughtBy);
  if (!decisive) return { ok: false, line: `there is no rule ${caughtBy}` };
  const first = rules.find((rule) => rule.status === 'failed');
  if (first?.id === caughtBy) return { ok: true, line: `caught by ${caughtBy}: ${shortFailure(first)}` };
  if (first) return { ok: false, line: `CAUGHT ELSEWHERE: by ${first.id} and not by ${caughtBy}: ${shortFailure(first)} (seed ${result.seed})` };
  if (decisive.status === 'skipped') return { ok: true, skipped: true, line: `${caughtBy} is skipped here: ${decisive.skipped ?? ''}` };
  // It got past its rule. Does anything later stop it?
  const later = await run(chapter.exercises.slice(alone ? tagged : tagged + 1));
  const catcher = rulesOf(later).find((rule) => rule.status === 'failed');
  return {
    ok: false,
    line: catcher
      ? `CAUGHT ELSEWHERE: only by ${catcher.id}; ${caughtBy} let it pass (seed ${result.seed})`
      : `SURVIVED: no rule of ${chapterName(chapter)} catches it; ${caughtBy} should (seed ${result.seed})`,
  };
}

/** What an exercise before the tagged one has against it; undefined where they all pass. */
async function caughtEarlier({ chapter, caughtBy = '' }: Submission, run: Run): Promise<Judgement | undefined> {
  const tagged = chapter.exercises.findIndex((exercise) => caughtBy.startsWith(`${exercise.id}/`));
  if (tagged === 0) return undefined;
  const result = await run(chapter.exercises.slice(0, tagged));
  if (result.problem !== undefined) return { ok: false, line: `the check did not come to its end: ${result.problem}` };
  const first = rulesOf(result).find((rule) => rule.status === 'failed');
  return first && { ok: false, line: `CAUGHT EARLIER: by ${first.id}, before ${caughtBy}: ${shortFailure(first)} (seed ${result.seed})` };
}

async function judgeRight(run: Run, exercises: Chapter['exercises']): Promise<Judgement> {
  const result = await run(exercises);
  if (result.problem !== undefined) return { ok: false, line: `the check did not come to its end: ${result.problem}` };
  const first = rulesOf(result).find((rule) => rule.status === 'failed');
  if (first) return { ok: false, line: `REFUSED by ${first.id}: ${shortFailure(first)} (seed ${result.seed})` };
  return { ok: true, line: 'passes' };
}

async function judgeStage({ chapter, name }: Submission, run: Run, from: number): Promise<Judgement> {
  const done = chapter.exercises.findIndex((exercise) => exercise.id === name);
  const next = chapter.exercises[done + 1];
  const result = await run(chapter.exercises.slice(from, done + 2));
  if (result.problem !== undefined) return { ok: false, line: `the check did not come to its end: ${result.problem}` };
  for (const exercise of result.exercises.slice(0, done + 1 - from)) {
    const first = exercise.rules.find((rule) => rule.status === 'failed');
    if (first) return { ok: false, line: `${exercise.id} is done and fails by ${first.id}: ${shortFailure(first)} (seed ${result.seed})` };
  }
  if (!next) return { ok: true, line: 'passes all' };
  const failed = result.exercises[done + 1 - from]?.rules.find((rule) => rule.status === 'failed');
  if (!failed) return { ok: false, line: `${next.id} passes although nobody has done it (seed ${result.seed})` };
  return { ok: true, line: `passes to ${name}; ${failed.id} fails: ${shortFailure(failed)}` };
}

function rulesOf(result: CheckResult): readonly RuleResult[] {
  return result.exercises.flatMap((exercise) => exercise.rules);
}

/**
 * The submissions of a slow chapter have their turn on every sixth day. So have those of the tuned servers: the rules that
 * catch them are asked every day of the servers that learners write.
 */
export const SLOW_TURNS = 6;
const DAY_MS = 86_400_000;

/** All but those whose turn it is not, and a note for each chapter that has such ones. */
export function turnOf(submissions: readonly Submission[], nowMs: number): { submissions: readonly Submission[]; notes: readonly string[] } {
  const turn = Math.floor(nowMs / DAY_MS) % SLOW_TURNS;
  const hasTurns = ({ chapter, base }: Submission): boolean => chapter.slow === true || base === TUNED;
  const chosen = submissions.filter((submission, index) => !hasTurns(submission) || index % SLOW_TURNS === turn);
  const slow = new Set(submissions.filter(hasTurns).map(({ chapter }) => chapter));
  const number = (of: readonly Submission[], wanted: Chapter): number => of.filter(({ chapter }) => chapter === wanted).length;
  return {
    submissions: chosen,
    notes: [...slow].map((chapter) => `${number(chosen, chapter)} of ${number(submissions, chapter)} submissions of ${chapterName(chapter)} had their turn today; all of them: npx tsx course/submissions.ts ${chapterName(chapter)} --own`),
  };
}

/** Every submission of every ready chapter that has its turn: each is a unit. */
export async function checkSubmissions(pool: JobPool, tell: (done: number, of: number) => void): Promise<Outcome> {
  const { submissions, notes } = turnOf(listSubmissions(), Date.now());
  let done = 0;
  const verdicts = await judgeAll(longestFirst(submissions), pool, () => tell(++done, submissions.length), false);
  await lookTwice(verdicts, pool);
  const bare = readyChapters.filter((chapter) => listSubmissions([chapter]).length === 0);
  return sum([
    { passed: 0, failed: 0, skipped: [], faults: [], notes },
    ...verdicts.map(verdictOutcome),
    ...bare.map((chapter) => failure(`tests/${chapterName(chapter)}/submissions/ is missing: nothing tests the tests of this chapter`)),
  ]);
}

/** The share of wrong submissions that may need a second look in one run. More are a fault of the tests. */
const SECOND_LOOKS_SHARE_MAX = 0.01;

/**
 * Runs again what was not caught as tagged. Only wrong ones: the faults of some
 * of them are races, and which rule they lose by is then a matter of chance. A
 * right one that is refused once is refused once too often.
 */
async function lookTwice(verdicts: Verdict[], pool: JobPool): Promise<void> {
  const missed = verdicts.filter(({ ok, submission }) => !ok && submission.kind === 'wrong');
  if (missed.length === 0 || missed.length > verdicts.length * SECOND_LOOKS_SHARE_MAX) return;
  const again = await judgeAll(missed.map(({ submission }) => submission), pool, undefined, false);
  for (const verdict of again) {
    const index = verdicts.findIndex(({ submission }) => submission === verdict.submission);
    if (verdict.ok) verdicts[index] = { ...verdict, note: `${title(verdict.submission)}: as tagged in a second run; in the first one: ${verdicts[index]?.line ?? ''}` };
  }
}

/** Those first that run a whole chapter, and later chapters, which wait more: nothing long is left for the end. */
function longestFirst(submissions: readonly Submission[]): readonly Submission[] {
  const length = ({ kind, chapter }: Submission): number => (kind === 'wrong' ? 0 : 100) + chapter.number;
  return submissions.toSorted((one, other) => length(other) - length(one));
}

/** Trees that are put together at a time, for each core. */
const LANES_PER_CORE = 4;

/**
 * More at a time than the pool has room for: the next tree is ready when a core
 * is. Trees follow each other in the same folders, so that what most of them
 * share is compiled once: Node's compile cache goes by path.
 */
async function judgeAll(
  submissions: readonly Submission[],
  pool: JobPool,
  onVerdict: (verdict: Verdict, seconds: number) => void = () => {},
  earlier = true,
): Promise<Verdict[]> {
  return await mapLimited(submissions, LANES_PER_CORE * pool.cores, async (submission, lane) => {
    let seconds = 0;
    const verdict = await verdictOn(submission, scratch(`tree-${lane}`), async (options) => {
      // A right one is trusted as the reference is: its rules may share processes where only what it changes is asked.
      const result = await pool.rules({ ...options, shared: !earlier && submission.kind !== 'wrong' });
      seconds += result.durationMs / 1000;
      return result;
    }, earlier);
    onVerdict(verdict, seconds);
    return verdict;
  });
}

function verdictOutcome(verdict: Verdict): Outcome {
  const line = `${title(verdict.submission)}: ${verdict.line}`;
  if (verdict.skipped) return { passed: 0, failed: 0, skipped: [line], faults: [] };
  const notes = verdict.note === undefined ? [] : [verdict.note];
  return verdict.ok ? { passed: 1, failed: 0, skipped: [], faults: [], notes } : failure(line);
}

function failure(fault: string): Outcome {
  return { passed: 0, failed: 1, skipped: [], faults: [fault] };
}

function title({ chapter, kind, name }: Submission): string {
  return `${chapterName(chapter)} ${kind} ${name}`;
}

async function main(args: readonly string[]): Promise<number> {
  const own = args.includes('--own');
  const [wanted = '', ...names] = args.filter((arg) => arg !== '--own');
  if (wanted === '--rebase' && names.length === 1) return rebase(names[0] as string);
  const chapter = begunChapters.find((candidate) => chapterName(candidate) === wanted);
  if (!chapter) {
    console.error(`usage: npx tsx course/submissions.ts CHAPTER [NAME…] [--own], where CHAPTER is ${begunChapters.map(chapterName).join(', ')},\n or: npx tsx course/submissions.ts --rebase REVISION`);
    return 2;
  }
  const all = listSubmissions([soFar(chapter)]);
  const unknown = names.find((name) => !all.some((submission) => submission.name === name));
  if (unknown !== undefined) {
    console.error(`there is no submission ${unknown}; there are ${all.map((submission) => submission.name).join(', ')}`);
    return 2;
  }
  const pool = new JobPool();
  const chosen = all.filter((submission) => names.length === 0 || names.includes(submission.name));
  const verdicts = await judgeAll(chosen, pool, ({ ok, skipped, submission, line }, seconds) => {
    console.log(`${ok ? (skipped ? '–' : '✓') : '✗'} ${submission.kind} ${submission.name}: ${line}  [${seconds.toFixed(1)} s]`);
  }, !own);
  pool.close();
  const failed = verdicts.filter((verdict) => !verdict.ok).length;
  console.log(`\n${verdicts.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** Writes every page anew whose submissions no longer fit, and says what has to be done by hand. */
function rebase(revision: string): number {
  const texts = (file: string): string | undefined => {
    const { status, stdout } = spawnSync('git', ['show', `${revision}:${file}`], { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28 });
    return status === 0 ? stdout : undefined;
  };
  if (texts('package.json') === undefined) {
    console.error(`git does not know the revision ${revision}`);
    return 2;
  }
  const { changed, conflicts } = rebaseSubmissions(texts);
  for (const page of changed) console.log(`written: ${page}`);
  for (const conflict of conflicts) console.log(`✗ ${conflict}`);
  console.log(`\n${changed.length} pages written, ${conflicts.length} changes to carry over by hand`);
  return conflicts.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
