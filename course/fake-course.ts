/**
 * A small course in a folder of its own, for the tests of the commands.
 *
 * The runner in it is the real one; the manifest, the chapters and what judges
 * them are made up, so that no test depends on which chapters exist or waits
 * for a real check. An exercise passes when its file says `pass 1.1`.
 *
 * A command runs in the process of the test (`run`, `begin`), which costs a
 * tenth of a process of its own. What only a process can show (signals, npm, a
 * pipe that closes, another Node) is tested with `start` and `runWhole`, in
 * files named `*.whole.test.ts`.
 */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { listFiles } from './files.ts';
import { ROOT } from './root.ts';
import { packOf } from './starters.ts';

const MANIFEST = `
const one = (id, file, section) => ({ id, title: 'step ' + id, kind: id === '1.3' ? 'extra' : 'core', minutes: 20, file, section });
export const chapters = [
  { number: 1, folder: '01-echo', title: 'a raw socket', builds: 'an echo server', standsOn: [],
    exercises: [one('1.1', 'echo.ts', 'First'), one('1.2', 'echo.ts', 'Second'), one('1.3', 'lines.ts', 'Third')] },
  { number: 2, folder: '02-http', title: 'HTTP', builds: 'a server', standsOn: [1],
    exercises: [one('2.1', 'http.ts', 'First'), one('2.2', 'http.ts', 'Second')] },
  { number: 3, folder: '03-static', title: 'files', builds: 'a file server', standsOn: [2], exercises: [] },
  { number: 10, folder: '10-bake-off', title: 'measuring', builds: 'a load tester', standsOn: [2], exercises: [] },
];
export const begunChapters = chapters.filter((chapter) => chapter.exercises.length > 0);
export const isReady = (chapter) => chapter.exercises.length > 0 && chapter.inTheMaking !== true;
export const readyChapters = begunChapters.filter(isReady);
export const chapterName = (chapter) => 'chapter-' + String(chapter.number).padStart(2, '0');
export function findExercise(id) {
  for (const chapter of chapters) for (const exercise of chapter.exercises) if (exercise.id === id) return { chapter, exercise };
}
`;

/** Judges by a word in the file, and notes each call, so that tests see what was asked for. */
const CHECK = `
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chapterName } from './manifest.ts';
export async function runCheck(options) {
  const { chapter, exercise, tree, subject, seed = 7, bail } = options;
  appendFileSync(join(import.meta.dirname, '..', 'checks.jsonl'), JSON.stringify({ exercise, tree, subject, seed, bail, chapter: chapter.folder }) + '\\n');
  let failed = false;
  let busy = false;
  const exercises = chapter.exercises.filter(({ id }) => exercise === undefined || id === exercise).map(({ id, title, file }) => {
    const path = join(tree, chapter.folder, file);
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    if (text.includes('explode')) throw new Error('the check exploded');
    const status = failed && bail ? 'not run' : text.includes('pass ' + id) ? 'passed' : text.includes('busy ' + id) ? 'busy' : 'failed';
    failed ||= status === 'failed';
    busy ||= status === 'busy';
    return { id, title, status, rules: [] };
  });
  return { version: 1, chapter: chapterName(chapter), title: chapter.title, subject, seed, startedAt: new Date().toISOString(), durationMs: 1, passed: !failed && !busy, exercises };
}
export class CheckSession {
  #options;
  static async open(options) { const session = new CheckSession(); session.#options = options; return session; }
  run() { return runCheck(this.#options); }
  async close() {}
}
`;

const REPORT = `
export const renderReport = (result, { columns, colors }) =>
  result.exercises.map(({ id, status }) => id + ' ' + status).join('\\n') + '\\nreport in ' + columns + ' columns, colors ' + colors + '\\n';
`;

const SELF_CHECK = `
export async function selfCheck({ all }) { process.stdout.write('self-check, all: ' + all + '\\n'); return all ? 1 : 0; }
`;

/** A program that listens, says what it was given, and ends well when asked to. */
const MAIN = `
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
const { values } = parseArgs({ options: { port: { type: 'string', default: '0' }, lines: { type: 'boolean', default: false }, exit: { type: 'string' }, cache: { type: 'string' } } });
if (values.cache !== undefined) process.exit(8);
if (values.exit !== undefined) process.exit(Number(values.exit));
const server = createServer();
server.listen(Number(values.port), '127.0.0.1', () => console.log('TREE listening, lines ' + values.lines + ', port option ' + values.port));
for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTERM']) process.on(signal, () => { console.log('got ' + signal); server.close(() => process.exit(5)); });
`;

/** An installed tool that only tells how it was called: in a file, and aloud where a test listens. */
const tool = (name: string): string => `
const call = ['${name}', ...process.argv.slice(2)].join(' ') + '\\n';
process.getBuiltinModule('node:fs').appendFileSync('calls.txt', call);
if (process.env.ALOUD) process.stdout.write(call);
process.exitCode = 3;
`;

const HINTS = `# Hints

## 1.1

### A question

What comes back?

### A pointer

Look at \`write\`.

\`\`\`text
## 9.9
### not a hint
\`\`\`

### Nearly the answer

Write what you read.

## 1.2

### A question

Only one.
`;

const FILES: Readonly<Record<string, string>> = {
  'course/manifest.ts': MANIFEST,
  'course/check.ts': CHECK,
  'course/report.ts': REPORT,
  'course/self-check/index.ts': SELF_CHECK,
  'course/self-check/plain-english.ts': tool('plain-english'),
  'course/bench/parser.ts': tool('parser'),
  'chapters/01-echo/README.md': '# The lesson\n',
  'chapters/01-echo/hints.md': HINTS,
  'chapters/01-echo/echo.ts': '// starter of echo\n',
  'chapters/01-echo/lines.ts': '// starter of lines\n',
  'chapters/01-echo/main.ts': MAIN.replaceAll('TREE', 'chapters'),
  'chapters/02-http/http.ts': '// starter of http\n',
  'solutions/01-echo/ANSWERS.md': 'answers\n',
  'solutions/01-echo/echo.ts': '// reference: pass 1.1, pass 1.2\n',
  'solutions/01-echo/lines.ts': '// reference: pass 1.3\n',
  'solutions/01-echo/main.ts': MAIN.replaceAll('TREE', 'solutions'),
  'solutions/02-http/http.ts': '// reference: pass 2.1, pass 2.2\n',
  'node_modules/vitest/package.json': '{}',
  'node_modules/typescript/package.json': '{}',
  'node_modules/typescript/bin/tsc': tool('tsc'),
  'node_modules/markdownlint-cli/package.json': '{"type":"module"}',
  'node_modules/markdownlint-cli/markdownlint.js': tool('markdownlint'),
  'node_modules/typedoc/package.json': '{}',
  'node_modules/typedoc/bin/typedoc': tool('typedoc'),
};

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** The runner's own files: copied once, since they are the same in every fake course. */
const RUNNER = listFiles(join(ROOT, 'course')).filter((file) =>
  /^(?:commands\/)?[\w-]+(?<!\.test)\.(?:ts|mjs)$/.test(file) && FILES[`course/${file}`] === undefined && !file.startsWith('fake-'));

/** Folders of courses that were disposed of with their runner as it was: the next course begins there. */
const free: string[] = [];
afterAll(() => {
  for (const folder of free.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** A course in a temporary folder, which is gone when it is disposed of. */
export class FakeCourse implements Disposable {
  /** Its root. */
  readonly folder: string;
  /** A test has changed the runner, or a process may still be at work there. */
  #spoiled = false;

  /** @param folder one that git fills; a new course where it is left out */
  constructor(folder?: string) {
    this.#spoiled = folder !== undefined;
    this.folder = folder ?? free.pop() ?? this.#copyRunner();
    if (folder !== undefined) return;
    for (const [path, text] of Object.entries(FILES)) this.#put(path, text);
    const starters = Object.entries(FILES).filter(([path]) => /^chapters\/.*\.ts$/.test(path));
    this.#put('course/starters.md', packOf(Object.fromEntries(starters.map(([path, text]) => [path.slice('chapters/'.length), text])), this.path('solutions')));
  }

  #copyRunner(): string {
    const folder = mkdtempSync(join(tmpdir(), 'ten-servers-course-'));
    mkdirSync(join(folder, 'course', 'commands'), { recursive: true });
    for (const file of RUNNER) cpSync(join(ROOT, 'course', file), join(folder, 'course', file));
    cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
    return folder;
  }

  /** A clone as a learner makes it, after this course was committed for the first time or again. */
  clone(): FakeCourse {
    const folder = mkdtempSync(join(tmpdir(), 'ten-servers-clone-'));
    this.git('clone', '--quiet', '.', folder);
    return new FakeCourse(folder);
  }

  /** Commits everything that git does not ignore; the repository is made where there is none. */
  commit(message = 'a commit'): void {
    this.#spoiled = true;
    if (!this.exists('.git')) {
      this.git('init', '--quiet', '--initial-branch=main');
      this.write('.gitignore', 'node_modules/\n.ten-servers/\n*.jsonl\n');
    }
    this.git('add', '--all');
    this.git('commit', '--quiet', '--message', message);
  }

  /** Runs git in the course's folder, as somebody whom it knows. */
  git(...args: readonly string[]): string {
    const somebody = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'commit.gpgsign=false'];
    return execFileSync('git', [...somebody, ...args], { cwd: this.folder, encoding: 'utf8', env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
  }

  [Symbol.dispose](): void {
    if (this.#spoiled) {
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
      return;
    }
    for (const name of readdirSync(this.folder)) {
      if (name !== 'course' && name !== 'package.json') rmSync(this.path(name), { recursive: true, force: true, maxRetries: 5 });
    }
    free.push(this.folder);
  }

  path(path: string): string {
    return join(this.folder, path);
  }

  write(path: string, text: string): void {
    this.#spoiled ||= isRunner(path);
    this.#put(path, text);
  }

  #put(path: string, text: string): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), text);
  }

  read(path: string): string {
    return readFileSync(this.path(path), 'utf8');
  }

  exists(path: string): boolean {
    return existsSync(this.path(path));
  }

  remove(path: string): void {
    this.#spoiled ||= isRunner(path);
    rmSync(this.path(path), { recursive: true, force: true });
  }

  /** The learner's progress, entry by entry. */
  progress(): Record<string, Record<string, unknown>> {
    return (JSON.parse(this.read('.ten-servers/progress.json')) as { exercises: Record<string, Record<string, unknown>> }).exercises;
  }

  /** The names of the backups, oldest first. */
  backups(): string[] {
    return this.exists('.ten-servers/backups') ? readdirSync(this.path('.ten-servers/backups')).sort() : [];
  }

  /** What the judge was asked, call by call. */
  checks(): Record<string, unknown>[] {
    if (!this.exists('checks.jsonl')) return [];
    return this.read('checks.jsonl').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** How installed tools were called, call by call. */
  toolCalls(): string[] {
    return this.exists('calls.txt') ? this.read('calls.txt').split('\n').slice(0, -1) : [];
  }

  /** Runs a command to its end in this process: `run('test 1.1')` or `run(['test', '1.1'])`. */
  run(args: string | readonly string[], options: StartOptions = {}): Promise<Ended> {
    return this.begin(args, options).ended;
  }

  /** Begins a command in this process, after the one before has ended. */
  begin(args: string | readonly string[], options: StartOptions = {}): InProcess {
    const { runCommand } = createRequire(this.path('course/ten.mjs'))('./cli.ts') as typeof import('./cli.ts');
    const env = { ...cleanEnvironment(), ...options.env };
    return new InProcess(() => runCommand(words(args)), { env, cwd: options.cwd ?? this.folder });
  }

  /** Starts `node course/ten.mjs …` with this Node and an environment without npm's and ours. */
  start(args: string | readonly string[], options: StartOptions = {}): Running {
    this.#spoiled = true;
    const command = [this.path('course/ten.mjs'), ...words(args)];
    const child = spawn(process.execPath, command, { cwd: options.cwd ?? this.folder, env: { ...cleanEnvironment(), ...options.env } });
    return new Running(child);
  }

  /** Runs a command to its end in a process of its own. */
  runWhole(args: string | readonly string[], options: StartOptions = {}): Promise<Ended> {
    return this.start(args, options).ended;
  }
}

function isRunner(path: string): boolean {
  return path === 'package.json' || /^course(?:\/|$)/.test(path);
}

function words(args: string | readonly string[]): readonly string[] {
  return typeof args === 'string' ? args.split(' ') : args;
}

/** Ours, without what npm, vitest and the user's taste put there. */
export function cleanEnvironment(): Record<string, string> {
  const kept = Object.entries(ENVIRONMENT).filter(([name]) => !/^(?:npm_|VITEST|TEN_(?!SELF_CHECK$)|NODE_|INIT_CWD$|NO_COLOR$|FORCE_COLOR$|CI$)/i.test(name));
  return Object.fromEntries(kept) as Record<string, string>;
}

/** The environment of the tests, whatever a command in this process is given meanwhile. */
const ENVIRONMENT = { ...process.env };

/** What a command prints, as it comes. */
abstract class Output {
  abstract readonly ended: Promise<Ended>;
  protected stdout = '';
  protected stderr = '';
  #seen = 0;
  #wake = (): void => {};

  protected add(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text;
    this.#wake();
  }

  /** Resolves to what was printed since the last call, as soon as `pattern` is in it. */
  async until(pattern: RegExp): Promise<string> {
    let over = false;
    void this.ended.finally(() => (over = true));
    for (;;) {
      const fresh = this.stdout.slice(this.#seen);
      const match = pattern.exec(fresh);
      if (match) {
        this.#seen += match.index + match[0].length;
        return fresh.slice(0, match.index + match[0].length);
      }
      if (over) throw new Error(`ended before ${pattern}:\n${this.stdout}\n${this.stderr}`);
      await Promise.race([this.ended, new Promise<void>((resolve) => (this.#wake = resolve))]);
    }
  }
}

/** A command that runs in a process of its own. */
export class Running extends Output {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;

  constructor(child: ChildProcessWithoutNullStreams) {
    super();
    this.child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.add('stdout', text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.add('stderr', text));
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }
}

/** Output, environment and folder belong to the whole process: one command at a time. */
let before: Promise<unknown> = Promise.resolve();

/** A command that runs in this process, which lends it its output, its environment and its folder. */
export class InProcess extends Output {
  readonly ended: Promise<Ended>;

  constructor(command: () => Promise<number>, place: { env: Readonly<Record<string, string>>; cwd: string }) {
    super();
    this.ended = before.then(async () => {
      const restore = this.#lend(place);
      try {
        const code = await command();
        return { code, stdout: this.stdout, stderr: this.stderr };
      } finally {
        restore();
      }
    });
    before = this.ended.catch(() => {});
  }

  #lend({ env, cwd }: { env: Readonly<Record<string, string>>; cwd: string }): () => void {
    const streams = ['stdout', 'stderr'] as const;
    const writes = streams.map((name) => process[name].write);
    const folder = process.cwd();
    for (const name of streams) {
      process[name].write = (chunk: string | Uint8Array): boolean => {
        this.add(name, typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
        return true;
      };
    }
    replaceEnvironment(env);
    process.chdir(cwd);
    return () => {
      process.chdir(folder);
      replaceEnvironment(ENVIRONMENT);
      for (const [index, name] of streams.entries()) process[name].write = writes[index] as typeof process.stdout.write;
    };
  }
}

/** In place: a new object would not know that Windows spells PATH as it likes. */
function replaceEnvironment(env: Readonly<NodeJS.ProcessEnv>): void {
  for (const name of Object.keys(process.env)) if (env[name] === undefined) delete process.env[name];
  Object.assign(process.env, env);
}
