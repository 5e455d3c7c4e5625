/**
 * How a hidden test is written.
 *
 *     exercise<typeof driver>('1.1', import.meta.url, (rule) => {
 *       rule('echoes-text', 'sends back what it gets', { clause: 'RFC 862' }, async (world) => {
 *         const client = await world.connect(await world.call('startEcho', {}));
 *         …
 *       });
 *     });
 *
 * One file for each exercise, its rules in the order in which a learner should
 * meet them. Each rule gets a process of its own for the code under test and
 * data of its own out of the seed, so neither order nor company changes it.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, test } from 'vitest';
import { findExercise } from '#course/manifest.ts';
import type { Driver, FunctionsOf } from './driver.ts';
import { CheckFailure } from './failure.ts';
import type { FailureReport } from './failure.ts';
import { HttpClient } from './http-client.ts';
import { judge, withinTime } from './judge.ts';
import type { Attempt, Busy } from './judge.ts';
import { hash, Random } from './random.ts';
import { Subject } from './subject.ts';
import type { WaitOptions } from './subject.ts';
import { TcpClient } from './tcp-client.ts';
import type { Address, TcpClientOptions } from './tcp-client.ts';

/** What happened to others that did not obey a rule. */
export interface Attack {
  /** What it is called, or what was done: `slowloris`. */
  name: string;
  /** When it became known. */
  year: number;
  /** Such as `CVE-2024-27983`, where it has a number. */
  cve?: string;
  /** What was hit, in a few words. */
  fell: string;
}

/** What a rule tells the learner besides its sentence. */
export interface RuleText {
  /** The rule that a server must obey, with its source: `a server … (RFC 9112 §9.3.2)`. */
  rule: string;
  /** What most often breaks it. */
  likely?: string;
  /** A heading of the lesson, where it is not the exercise's own. */
  section?: string;
  /** The attack that the rule is about. */
  attack?: Attack;
  /** Skips the rule and says why: a tool is missing, the system is another one. */
  skip?: string | undefined;
}

/** What travels from a test to the reporter. */
export interface RuleMeta extends RuleText {
  id: string;
  exercise: string;
  failure?: FailureReport;
  /** The machine was too busy to judge it: it has neither passed nor failed. */
  busy?: Busy;
}

declare module 'vitest' {
  interface TaskMeta {
    rule?: RuleMeta;
  }
}

type Functions<D extends Driver> = FunctionsOf<D>;
type Arguments<F> = F extends (...args: infer A) => unknown ? A : never;
type Result<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never;

/** Everything that one rule works with. */
export class World<D extends Driver> {
  readonly seed: number;
  readonly random: Random;
  readonly subject: Subject;
  readonly #clients: TcpClient[] = [];

  constructor(subject: Subject, seed: number) {
    this.subject = subject;
    this.seed = seed;
    this.random = new Random(seed);
    // Tests take the world apart: `async ({ call, connect }) => …`.
    this.call = this.call.bind(this);
    this.callPatiently = this.callPatiently.bind(this);
    this.connect = this.connect.bind(this);
    this.client = this.client.bind(this);
    this.http = this.http.bind(this);
    this.settle = this.settle.bind(this);
  }

  /** Calls a function of the chapter's driver inside the process of the code under test. */
  async call<Name extends keyof Functions<D> & string>(
    name: Name,
    ...args: Arguments<Functions<D>[Name]>
  ): Promise<Result<Functions<D>[Name]>> {
    return (await this.subject.call(name, args)) as Result<Functions<D>[Name]>;
  }

  /** The same with another patience, for calls that take their time. */
  async callPatiently<Name extends keyof Functions<D> & string>(
    options: WaitOptions,
    name: Name,
    ...args: Arguments<Functions<D>[Name]>
  ): Promise<Result<Functions<D>[Name]>> {
    return (await this.subject.call(name, args, options)) as Result<Functions<D>[Name]>;
  }

  /** A connection to the server, established. */
  async connect(address: Address, options: TcpClientOptions = {}): Promise<TcpClient> {
    return await this.client(address, options).connected();
  }

  /** A connection to the server that may or may not come about. */
  client(address: Address, options: TcpClientOptions = {}): TcpClient {
    const client = new TcpClient(this.subject, address, options);
    this.#clients.push(client);
    return client;
  }

  /** An HTTP client on a connection of its own, established. */
  async http(address: Address, options: TcpClientOptions = {}): Promise<HttpClient> {
    return new HttpClient(await this.connect(address, options));
  }

  /** Resolves when the server has had every chance to handle what was sent to it. */
  async settle(): Promise<void> {
    await this.subject.settle();
  }

  /** Hangs up all connections. */
  disconnect(): void {
    for (const client of this.#clients) client.destroy();
  }
}

/** Declares one rule of the exercise. */
export type Rule<D extends Driver> = (
  name: string,
  sentence: string,
  text: RuleText,
  run: (world: World<D>) => Promise<void>,
) => void;

const project = fileURLToPath(new URL('../../', import.meta.url));

// How a run is set up. Read for each rule: a test process may be kept for several runs.

/** The tree under test: the learner's unless the run says otherwise. */
const subjectTree = (): string => process.env.TEN_SUBJECT ?? join(project, 'chapters');
/** The seed of the run; every rule derives its own from it. */
const runSeed = (): number => Number(process.env.TEN_SEED ?? 1);
/** Where test processes tell each other what has failed. */
const runFolder = (): string | undefined => process.env.TEN_RUN;
/** Stop at the first rule that fails, and do not begin later exercises. */
const bail = (): boolean => process.env.TEN_BAIL === '1';
/** The only rule that is run, such as `1.1/echoes-text`; all of them where it is missing. */
const onlyRule = (): string | undefined => process.env.TEN_RULE;
/**
 * Where rules find the process of the code under test. `ahead`: in a new one each, which loads while the rule before it
 * runs. `new`: the same, and started when it is needed. `shared`: the code is trusted, and a process that a rule has left
 * as it was serves the next one too.
 */
const processes = (): string => process.env.TEN_PROCESSES ?? (onlyRule() === undefined ? 'ahead' : 'new');

/** Past all limits of judge.ts, which can tell a machine that is too busy: only the test itself can hang for so long. */
const RULE_MS = 15 * 60_000;

/**
 * Declares the hidden tests of one exercise.
 *
 * @param id the exercise's id
 * @param testFile `import.meta.url` of the test file; its `driver.ts` lies beside it
 */
export function exercise<D extends Driver>(id: string, testFile: string, rules: (rule: Rule<D>) => void): void {
  const found = findExercise(id);
  if (!found) throw new Error(`there is no exercise ${id} in course/manifest.ts`);
  const driverFile = fileURLToPath(new URL('driver.ts', testFile));
  const start = (): Subject => new Subject({ tree: subjectTree(), driverFile, shared: processes() === 'shared' });
  /** For the next rule. */
  let spare: Subject | undefined;
  const take = (): Subject => {
    const subject = spare && !spare.exited ? spare : start();
    spare = processes() === 'ahead' ? start() : undefined;
    return subject;
  };
  const giveBack = async (subject: Subject, passed: boolean): Promise<void> => {
    if (passed && processes() === 'shared' && (await subject.startOver())) spare = subject;
    else await subject.kill();
  };
  afterAll(async () => {
    await spare?.kill();
    spare = undefined;
  });

  describe(`${id} ${found.exercise.title}`, () => {
    rules((name, sentence, text, run) => {
      const meta: RuleMeta = { ...text, id: `${id}/${name}`, exercise: id };
      test(sentence, { timeout: RULE_MS, meta: { rule: meta } }, async (context) => {
        if (text.skip !== undefined) return context.skip(text.skip);
        if (onlyRule() !== undefined && meta.id !== onlyRule()) return context.skip('not run');
        if (bail() && stoppedBefore(id)) return context.skip('not run');
        const attempt = async (): Promise<Attempt> => {
          const subject = take();
          const world = new World<D>(subject, hash(`${runSeed()} ${meta.id}`));
          const { ownTime, reused } = subject;
          let passed = false;
          try {
            await withinTime(subject, run(world));
            passed = true;
            return { ownTime };
          } catch (error) {
            ownTime.look();
            // In company it proves nothing.
            if (!reused) return { ownTime, failed: { error, report: await explained(subject, reportOf(error)) } };
          } finally {
            world.disconnect();
            await giveBack(subject, passed);
          }
          return await attempt();
        };
        const { failed: failure, busy } = await judge(attempt);
        if (!failure) return;
        if (bail()) stopAfter(id);
        context.task.meta.rule = { ...meta, failure: failure.report, ...(busy && { busy }) };
        if (busy) return context.skip('busy');
        throw failure.error;
      });
    });
  });
}

function reportOf(error: unknown): FailureReport {
  if (error instanceof CheckFailure) return error.report;
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'wrong behaviour', received: message };
}

/** What a client saw may be no more than the trace of a server that died: then its death is the news. */
async function explained(subject: Subject, report: FailureReport): Promise<FailureReport> {
  if (report.kind === 'blocked' || report.kind === 'not started' || report.kind === 'does not load') return report;
  // A worker of the server cannot tell its news but by what it prints.
  if (subject.unwritten !== undefined) {
    return { kind: 'not started', received: `exercise ${subject.unwritten} is not written yet`, notImplemented: subject.unwritten };
  }
  if ((await subject.turn()) || !subject.exited) return report;
  const { sent, expected } = report;
  const death = subject.failure('exited', 'silent').report;
  return { ...death, ...(sent === undefined ? {} : { sent }), ...(expected === undefined ? {} : { expected }) };
}

/** Orders ids by number: 2.10 comes after 2.9. */
function order(id: string): number {
  const [chapter = 0, step = 0] = id.split('.').map(Number);
  return chapter * 1000 + step;
}

const failed = new Set<string>();

function stopAfter(id: string): void {
  failed.add(id);
  const folder = runFolder();
  if (folder !== undefined) writeFileSync(join(folder, `${id}.failed`), '');
}

/** Whether this exercise, or one before it, has failed already in this run. */
function stoppedBefore(id: string): boolean {
  if (failed.has(id)) return true;
  const chapter = id.split('.')[0];
  const folder = runFolder();
  for (let step = 1; step <= order(id) % 1000; step++) {
    if (folder !== undefined && existsSync(join(folder, `${chapter}.${step}.failed`))) return true;
  }
  return false;
}
