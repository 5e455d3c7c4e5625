/**
 * What goes wrong at the command line, as sentences.
 *
 * A command throws one of these and `cli.ts` prints it: no command prints its
 * own errors, and none of them ends the process.
 */

/** A sentence that says what to do, and the exit code that goes with it. */
export class Problem extends Error {
  /** 1 for what failed, 2 for wrong use. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.name = 'Problem';
    this.exitCode = exitCode;
  }
}

/** Wrong use of a command: exit code 2. */
export class UsageProblem extends Problem {
  constructor(message: string) {
    super(message, 2);
    this.name = 'UsageProblem';
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'you do not have permission',
  EPERM: 'the system does not allow it',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'your disk quota is used up',
  ENOTDIR: 'a file is where a folder should be',
  EISDIR: 'a folder is where a file should be',
  ENOENT: 'it does not exist',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EEXIST: 'something with that name already exists',
};

/** Why a file operation failed, as the end of a sentence. */
export function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const known = code === undefined ? undefined : REASONS[code];
  if (known !== undefined) return `${known} (${code})`;
  return error instanceof Error ? error.message : String(error);
}
