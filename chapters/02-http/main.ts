/**
 * Runs the first site: `main.ts [--host ADDRESS] [--port N]`.
 *
 * Exit codes: 0 stopped by a signal, 1 the address is not available, 2 wrong arguments.
 */

import { parseArgs } from 'node:util';

import { reportDetached } from '../01-echo/index.ts';
import { HttpServer, serveHttp, site } from './index.ts';

export interface Arguments {
  readonly host: string;
  readonly port: number;
}

const PORT = 8000;
const USAGE = 'usage: main.ts [--host ADDRESS] [--port N]';
const DEADLINE_MS = 5_000;

/** Parses the arguments. @throws Error with a sentence for the person who typed them */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: { host: { type: 'string', default: '127.0.0.1' }, port: { type: 'string', default: String(PORT) } },
  });
  if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535) {
    throw new Error(`--port takes a number from 0 to 65535, not '${values.port}'.`);
  }
  return { host: values.host, port: Number(values.port) };
}

/** Starts the site, says where, and stops it on SIGINT or SIGTERM. Resolves to an exit code if it cannot start. */
export async function main(argv: readonly string[]): Promise<number | undefined> {
  let address: Arguments;
  try {
    address = parseArguments(argv);
  } catch (error) {
    console.error(`${firstSentence(error)}\n${USAGE}`);
    return 2;
  }
  try {
    const server = await serveHttp(site, address);
    console.log(`listening on ${server.origin}`);
    stopOnSignals(server);
    return undefined;
  } catch (error) {
    console.error(firstSentence(error));
    return 1;
  }
}

function stopOnSignals(server: HttpServer): void {
  // Once: a second signal finds no listener and ends the program.
  const stop = (): void => {
    server.closeGracefully({ deadlineMs: DEADLINE_MS }).catch(reportDetached);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
}

function firstSentence(error: unknown): string {
  return error instanceof Error ? error.message.split('\n')[0]! : String(error);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
