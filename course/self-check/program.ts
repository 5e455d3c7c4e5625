/** Runs a program of the course to its end, or ends it together with this process. */
import { spawn } from 'node:child_process';
import { ROOT } from '../root.ts';

/** A program that is still running after this long is killed, in milliseconds. */
const PROGRAM_MS_MAX = 14 * 60_000;

export interface Ended {
  /** Its exit code was 0. */
  readonly ok: boolean;
  /** What it printed, both streams as they came. */
  readonly output: string;
}

/** Runs a file with this Node in the project's folder. Never rejects. */
export async function runProgram(args: readonly string[]): Promise<Ended> {
  // The scratch folder is this run's; a program that checks the course takes its own.
  const { TEN_SCRATCH: _, ...env } = process.env;
  return await new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...env, NO_COLOR: '1' },
      timeout: PROGRAM_MS_MAX,
      killSignal: 'SIGKILL',
      windowsHide: true,
    });
    const kill = (): void => void child.kill('SIGKILL');
    process.on('exit', kill);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', (error) => resolve({ ok: false, output: error.message }));
    child.on('close', (code, signal) => {
      process.off('exit', kill);
      resolve({ ok: code === 0, output: signal === null ? output : `${output}\nended by ${signal}` });
    });
  });
}
