/**
 * Serves an asynchronous application; without `--app` it is the chat:
 *
 *     main.ts [--app MODULE:EXPORT] [--host ADDRESS] [--port N] [--validate]
 *
 * Exit codes: 0 stopped by a signal, 1 no such address or application, or one that could not start, 2 wrong arguments.
 */

import { parseArgs } from 'node:util';

import { reportDetached } from '../01-echo/index.ts';
import { chat } from './chat.ts';
import { asyncValidator, serveAsync } from './index.ts';
import type { AsyncServer } from './index.ts';
import { loadAsyncApp } from './load-async-app.ts';

const USAGE = `usage: main.ts [--app MODULE:EXPORT] [--host ADDRESS] [--port N] [--validate]
  --app MODULE:EXPORT  an application, as ./app.ts:app; default: the chat
  --host ADDRESS       where to listen; default 127.0.0.1, reachable from this machine only
  --port N             0 takes a free one; default 8000
  --validate           tell which rules of docs/gateway-spec.md the application breaks`;

const DEADLINE_MS = 10_000;
/** The limit for a message to the chat: the longest text as JSON, with room to spare. */
const MESSAGE_BYTES_MAX = 16 * 1024;

export interface Arguments {
  readonly app: string | null;
  readonly host: string;
  readonly port: number;
  readonly validate: boolean;
  readonly help: boolean;
}

/** Parses the arguments. @throws Error with a sentence for the person who typed them */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      app: { type: 'string' },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '8000' },
      validate: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { app = null, host, validate, help } = values;
  if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535) {
    throw new Error(`--port takes a number from 0 to 65535, not '${values.port}'.`);
  }
  return { app, host, port: Number(values.port), validate, help };
}

/** Starts the server, says where, and stops it on SIGINT or SIGTERM. Resolves to an exit code if it cannot start. */
export async function main(argv: readonly string[]): Promise<number | undefined> {
  let options: Arguments;
  try {
    options = parseArguments(argv);
  } catch (error) {
    console.error(`${firstSentence(error)}\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const { app: name, host, port, validate } = options;
  try {
    const app = name === null ? chat() : await loadAsyncApp(name, 'async');
    const websocket = name === null ? { limits: { messageBytesMax: MESSAGE_BYTES_MAX, frameBytesMax: MESSAGE_BYTES_MAX } } : {};
    const server = await serveAsync(validate ? asyncValidator(app) : app, { host, port, websocket });
    stopOnSignals(server);
    console.log(`listening on ${server.origin}`);
    return undefined;
  } catch (error) {
    console.error(firstSentence(error));
    return 1;
  }
}

/** The first signal lets responses finish. Nobody listens for the second, which ends the program at once. */
function stopOnSignals(server: AsyncServer): void {
  const stop = (): void => {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    server.closeGracefully({ deadlineMs: DEADLINE_MS }).catch(reportDetached);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
}

function firstSentence(error: unknown): string {
  return error instanceof Error ? error.message.split('\n')[0]! : String(error);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
