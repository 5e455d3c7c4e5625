/**
 * The list of commands, and the one place where a command's words and its exit
 * code reach the outside: 0 passed, 1 failed, 2 wrong use.
 *
 * Commands are loaded when they are called: `npm test` does not wait for what
 * only `npm run doctor` needs.
 */
import { npmCommand, npmUsage } from './options.ts';
import { nearest } from './names.ts';
import { Problem, UsageProblem } from './problem.ts';
import { wrap } from './screen.ts';

/** Runs with the arguments behind the command's name; resolves to the exit code. */
export type Command = (args: readonly string[]) => Promise<number>;

interface Entry {
  readonly usage: string;
  readonly summary: string;
  readonly load: () => Promise<{ run: Command }>;
  /** Its further arguments are for the program that it runs. */
  readonly passesOn?: true;
  /** For those who write the course, not for those who follow it. */
  readonly maintainer?: true;
}

/** Every command, in the order in which `help` lists them. */
export const COMMANDS: Readonly<Record<string, Entry>> = {
  start: { usage: '', summary: 'the map of the course and your next step', load: () => import('./commands/start.ts') },
  test: { usage: 'chapter-04 | 4.2 [--seed N] [--all]', summary: 'check your chapter, or one exercise', load: () => import('./commands/test.ts') },
  watch: { usage: 'chapter-04 | 4.2 [--seed N]', summary: 'check again on every save', load: () => import('./commands/watch.ts') },
  hint: { usage: '4.2 [--level N]', summary: 'the next hint for an exercise', load: () => import('./commands/hint.ts') },
  serve: { usage: 'chapter-04 [--solution] [--port N] ...', summary: 'run your server of that chapter', load: () => import('./commands/serve.ts'), passesOn: true },
  progress: { usage: '[--import CLONE] [--json] [--reset]', summary: 'what you have done', load: () => import('./commands/progress.ts') },
  diff: { usage: 'chapter-04 [FILE] [--starter]', summary: 'your files beside the reference', load: () => import('./commands/diff.ts') },
  reset: { usage: 'chapter-04 [FILE] [--restore BACKUP]', summary: 'put the starters back, with a backup', load: () => import('./commands/reset.ts') },
  'catch-up': { usage: 'chapter-04 [--all]', summary: 'fill in the chapters before this one', load: () => import('./commands/catch-up.ts') },
  doctor: { usage: '', summary: 'does this machine have what the course needs', load: () => import('./commands/doctor.ts') },
  solution: { usage: 'chapter-04 | 4.2 [--seed N] [--all] [--json FILE]', summary: 'the same check on the reference', load: () => import('./commands/solution.ts') },
  check: { usage: 'chapter-04 | 4.2 [--subject DIR] [--json FILE] [--seed N] [--all]', summary: 'the same check on any tree', load: () => import('./commands/check.ts') },
  help: { usage: '', summary: 'this list', load: () => import('./commands/help.ts') },
  'test:all': { usage: '', summary: 'everything that CI checks', load: () => import('./commands/test-all.ts'), maintainer: true },
  typecheck: { usage: '', summary: 'the TypeScript compiler over everything', load: () => import('./commands/typecheck.ts'), passesOn: true, maintainer: true },
  lint: { usage: '', summary: 'the Markdown of lessons and docs', load: () => import('./commands/lint.ts'), passesOn: true, maintainer: true },
  docs: { usage: '', summary: 'the API reference, into docs/api', load: () => import('./commands/docs.ts'), passesOn: true, maintainer: true },
  bench: { usage: 'NAME ...', summary: 'a benchmark out of course/bench', load: () => import('./commands/bench.ts'), passesOn: true, maintainer: true },
  'pack-starters': { usage: '', summary: 'chapters/ into course/starters.json', load: () => import('./commands/pack-starters.ts'), maintainer: true },
};

/** Runs the command that `argv` names and ends the process with its exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  process.stdout.on('error', endQuietly);
  process.stderr.on('error', endQuietly);
  const code = await runCommand(argv);
  // Whatever a command left open, a verdict was given: do not hang behind it.
  process.exitCode = code;
  process.stdout.write('', () => process.exit(code));
}

/** Whoever read our output has gone (`npm test 1 | head`): there is nobody to tell. */
function endQuietly(error: NodeJS.ErrnoException): void {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
}

async function runCommand(argv: readonly string[]): Promise<number> {
  const [name = 'help', ...args] = argv;
  try {
    const wanted = name === '--help' || name === '-h' ? 'help' : name;
    const entry = Object.hasOwn(COMMANDS, wanted) ? COMMANDS[wanted] : undefined;
    if (!entry) throw new UsageProblem(unknownCommand(wanted));
    const own = entry.passesOn === true ? args.slice(0, 1) : args;
    if (own.includes('--help') || own.includes('-h')) {
      process.stdout.write(`${npmUsage(wanted, entry.usage)}\n  ${entry.summary}\n`);
      return 0;
    }
    const { run } = await entry.load();
    return await run(args);
  } catch (error) {
    return report(name, error);
  }
}

function unknownCommand(name: string): string {
  const names = Object.keys(COMMANDS);
  const close = nearest(name.toLowerCase(), names);
  const guess = close === undefined ? '' : ` Did you mean \`${npmCommand(close)}\`?`;
  return wrap(`There is no command "${name}".${guess} The commands are: ${names.join(', ')}.`);
}

function report(name: string, error: unknown): number {
  if (error instanceof Problem) {
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  const missing = error as NodeJS.ErrnoException;
  if (missing.code === 'ERR_MODULE_NOT_FOUND' && /Cannot find package/.test(missing.message)) {
    process.stderr.write(`The packages of the course are not all installed: run \`npm ci\`. (${missing.message})\n`);
    return 2;
  }
  const trace = error instanceof Error ? error.stack : String(error);
  process.stderr.write(`\`${npmCommand(name)}\` has a fault of its own, not yours. Please report this:\n${trace}\n`);
  return 1;
}
