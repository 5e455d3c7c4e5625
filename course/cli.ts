/**
 * The one place where a command's words and its exit code reach the outside:
 * 0 passed, 1 failed, 2 wrong use.
 *
 * Commands are loaded when they are called: `npm test` does not wait for what
 * only `npm run doctor` needs.
 */
import { COMMANDS } from './command-list.ts';
import { nearest } from './names.ts';
import { npmCommand, npmUsage } from './options.ts';
import { Problem, reason, UsageProblem } from './problem.ts';
import { notInstalled } from './run-tool.ts';
import { wrap } from './screen.ts';
import { ensureTemporaryFolder } from './temporary-folder.ts';

/** Runs with the arguments after the command's name; resolves to the exit code. */
export type Command = (args: readonly string[]) => Promise<number>;

/** Runs the command that `argv` names and ends the process with its exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  process.stdout.on('error', endQuietly);
  process.stderr.on('error', endQuietly);
  const code = await runCommand(argv);
  // Whatever a command left open, a verdict was given: do not wait for it.
  process.exitCode = code;
  process.stdout.write('', () => process.exit(code));
}

/** The reader of our output has gone (`npm test 1 | head`): there is nobody to tell. */
function endQuietly(error: NodeJS.ErrnoException): void {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
}

/** Runs the command that `argv` names and resolves to its exit code; what went wrong is printed. */
export async function runCommand(argv: readonly string[]): Promise<number> {
  const [name = 'help', ...args] = argv;
  try {
    const wanted = name === '--help' || name === '-h' ? 'help' : name;
    const entry = Object.hasOwn(COMMANDS, wanted) ? COMMANDS[wanted] : undefined;
    if (!entry) throw new UsageProblem(unknownCommand(wanted));
    const temporary = ensureTemporaryFolder();
    if (temporary !== undefined) process.stderr.write(`${wrap(temporary)}\n`);
    const own = entry.passesOn === true ? args.slice(0, 1) : args;
    if (own.includes('--help') || own.includes('-h')) {
      process.stdout.write(`${npmUsage(wanted)}\n  ${entry.summary}\n`);
      return 0;
    }
    const { run } = (await import(`./commands/${wanted.replace(':', '-')}.ts`)) as { run: Command };
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

/** Errors of the machine, not of a program. */
const UNWRITABLE = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT'];

function report(name: string, error: unknown): number {
  if (error instanceof Problem) {
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  const missing = error as NodeJS.ErrnoException;
  const absent = missing.code === 'ERR_MODULE_NOT_FOUND' ? /Cannot find package '([^']+)'/.exec(missing.message)?.[1] : undefined;
  if (absent !== undefined) {
    process.stderr.write(`${wrap(notInstalled(absent))}\n`);
    return 2;
  }
  if (missing.path !== undefined && UNWRITABLE.includes(missing.code ?? '')) {
    process.stderr.write(`${wrap(`${missing.path} cannot be used: ${reason(error)}. \`npm run doctor\` checks what is wrong.`)}\n`);
    return 1;
  }
  const trace = error instanceof Error ? error.stack : String(error);
  process.stderr.write(`\`${npmCommand(name)}\` has failed, and the fault is in the course, not in your code. Please report this:\n${trace}\n`);
  return 1;
}
