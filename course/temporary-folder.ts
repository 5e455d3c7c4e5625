/** The folder for temporary files, which must be there before anything that uses it is. */
import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reason } from './problem.ts';
import { shown, STATE } from './root.ts';

/**
 * Where the environment names a folder that cannot be used, takes one of the
 * course's own, for this process and all that it starts: the tests of a chapter
 * and the learner's own programs ask for it, too.
 *
 * @returns a sentence to print where that was so
 */
export function ensureTemporaryFolder(): string | undefined {
  const given = tmpdir();
  try {
    if (!statSync(given).isDirectory()) return instead(given, 'it is not a folder');
    accessSync(given, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return instead(given, reason(error));
  }
}

function instead(given: string, why: string): string {
  const own = join(STATE, 'tmp');
  const what = `The folder for temporary files is ${given}, which cannot be used: ${why}.`;
  try {
    mkdirSync(own, { recursive: true });
  } catch (error) {
    return `${what} Set TMPDIR to a folder of yours. (${shown(own)} will not do either: ${reason(error)}.)`;
  }
  for (const name of process.platform === 'win32' ? ['TEMP', 'TMP'] : ['TMPDIR']) process.env[name] = own;
  return `${what} ${shown(own)} is used instead. Set TMPDIR to a folder of yours.`;
}
