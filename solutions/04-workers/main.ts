/**
 * Runs a design: `main.ts [--design NAME] [--workers N] [--queue N] [--wait MS] [--host ADDRESS] [--port N]`, or
 * `--help`.
 *
 * Exit codes: 0 stopped by a signal or asked for help, 1 it could not start, 2 wrong arguments.
 */

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

import { reportDetached } from '../01-echo/index.ts';
import { designNamed, designs, tooManyWorkers } from './index.ts';
import type { Design, DesignOptions, RunningServer } from './index.ts';

const PORT = 8000;
const DEADLINE_MS = 5_000;
/** Exit code of a program that was ended by a signal: 128 and its number. SIGINT is 2. */
const INTERRUPTED = 130;

const HELP = `Runs a design of chapter 04.

  --design NAME    ${Object.keys(designs).join(', ')};
                   default async
  --workers N      how many processes or threads; default one for each core
  --queue N        how many connections or tasks may wait; default 64
  --wait MS        how long /slow waits; default 500
  --host ADDRESS   default 127.0.0.1
  --port N         default ${PORT}
  --help           this`;

export interface Arguments {
  readonly name: string;
  readonly design: Design;
  readonly options: DesignOptions;
}

/** Parses the arguments. @throws Error with a sentence for the person who typed them */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      design: { type: 'string', default: 'async' },
      workers: { type: 'string', default: String(availableParallelism()) },
      queue: { type: 'string', default: '64' },
      wait: { type: 'string', default: '500' },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: String(PORT) },
    },
  });
  return {
    name: values.design,
    design: designNamed(values.design),
    options: {
      host: values.host,
      port: wholeNumber('--port', values.port, 0, 65_535),
      workers: wholeNumber('--workers', values.workers, 1, 1_000),
      queueMax: wholeNumber('--queue', values.queue, 0, 100_000),
      waitMs: wholeNumber('--wait', values.wait, 0, 60_000),
    },
  };
}

/** Starts the design, says where, and stops it on SIGINT or SIGTERM. Resolves to an exit code if it cannot start. */
export async function main(argv: readonly string[]): Promise<number | undefined> {
  if (argv.includes('--help')) {
    console.log(HELP);
    return 0;
  }
  let wish: Arguments;
  try {
    wish = parseArguments(argv);
  } catch (error) {
    console.error(`${firstSentence(error)}\n--help says what there is.`);
    return 2;
  }
  const { name, design, options } = wish;
  const kind = name.startsWith('process') ? 'process' : 'thread';
  const warning = tooManyWorkers(options.workers!, kind);
  if (warning !== null) console.error(`warning: ${warning}`);
  try {
    const server = await design(options);
    const { address, family, port } = server.address;
    console.log(`listening on http://${family === 'IPv6' ? `[${address}]` : address}:${port}`);
    stopOnSignals(server);
    return undefined;
  } catch (error) {
    console.error(firstSentence(error));
    return 1;
  }
}

function stopOnSignals(server: RunningServer): void {
  let asked = false;
  const stop = (): void => {
    // A user who asks twice does not want to wait.
    if (asked) process.exit(INTERRUPTED);
    asked = true;
    server.close({ deadlineMs: DEADLINE_MS }).catch(reportDetached);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) throw new RangeError(`${option} takes a number from ${least} to ${most}, not '${text}'.`);
  return value;
}

function firstSentence(error: unknown): string {
  return error instanceof Error ? error.message.split('\n')[0]! : String(error);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
