/** The calls of the rule that runs the whole program: it is a process below that of the code under test, and ends with it. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const RUNNER = fileURLToPath(new URL('./run-main.ts', import.meta.url));
const OUTPUT_CHARACTERS_MAX = 64_000;

export interface MainReport {
  output: string;
  /** How it has ended, once it has: an exit code, or a signal. */
  exit: number | string | null;
}

export function mainCalls() {
  let child: ChildProcess | undefined;
  const report: MainReport = { output: '', exit: null };
  return {
    startMain: (argv: readonly string[]): void => {
      child = spawn(process.execPath, [RUNNER, process.argv[2]!, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [child.stdout!, child.stderr!]) {
        stream.setEncoding('utf8').on('data', (text: string) => (report.output = (report.output + text).slice(-OUTPUT_CHARACTERS_MAX)));
      }
      child.once('error', ({ message }) => (report.exit = message));
      child.once('close', (code, signal) => (report.exit = code ?? signal));
    },
    mainReport: (): MainReport => report,
    signalMain: (signal: NodeJS.Signals): boolean => child?.kill(signal) ?? false,
  };
}
