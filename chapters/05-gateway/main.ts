/**
 * Serves an application; without `--app` it is the notes:
 *
 *     main.ts [--app MODULE:EXPORT] [--host ADDRESS] [--port N] [--token T] [--development] [--log FORMAT]
 *
 * Exit codes: 0 stopped by a signal, 1 no such address or application, 2 wrong arguments.
 */

import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { parseArgs } from 'node:util';

import { reportDetached } from '../01-echo/index.ts';
import { HttpServer } from '../02-http/index.ts';
import { accessLog, bearerAuth, loadApp, toHandler } from './index.ts';
import type { GatewayApp, LogOutput } from './index.ts';
import { notes } from './notes.ts';

const USAGE = `usage: main.ts [--app MODULE:EXPORT] [--host ADDRESS] [--port N]
  --app MODULE:EXPORT  an application, as ./app.ts:app; default: the notes
  --host ADDRESS       where to listen; default 127.0.0.1, reachable from this machine only
  --port N             0 takes a free one; default 8000
  --token T            of the notes: anyone who has it may write; default: a new one, which is shown
  --development        of the notes: show errors with their stacks
  --log FORMAT         common, combined or none; default combined`;

const DEADLINE_MS = 10_000;

export interface Arguments {
  readonly app: string | null;
  readonly host: string;
  readonly port: number;
  readonly token: string | null;
  readonly development: boolean;
  readonly log: 'common' | 'combined' | 'none';
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
      token: { type: 'string' },
      development: { type: 'boolean', default: false },
      log: { type: 'string', default: 'combined' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { app = null, host, token = null, development, log, help } = values;
  if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535) {
    throw new Error(`--port takes a number from 0 to 65535, not '${values.port}'.`);
  }
  if (log !== 'common' && log !== 'combined' && log !== 'none') {
    throw new Error(`--log takes common, combined or none, not '${log}'.`);
  }
  if (app !== null && token !== null) throw new Error('--token is for the notes, which --app replaces.');
  // It says what is wrong with a token that no client could send.
  if (token !== null) bearerAuth({ credentials: [{ token, user: 'writer' }] });
  return { app, host, port: Number(values.port), token, development, log, help };
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
  const { app: name, host, port, log, development } = options;
  const token = options.token ?? randomBytes(12).toString('base64url');
  try {
    const app = name === null ? notes({ token, development }) : await loadApp(name);
    const server = new HttpServer(toHandler(logged(app, log)));
    await server.listen({ host, port });
    stopOnSignals(server);
    console.log(`listening on ${server.origin}`);
    if (name === null && options.token === null) console.log(`token ${token}`);
    return undefined;
  } catch (error) {
    console.error(firstSentence(error));
    return 1;
  }
}

function logged(app: GatewayApp, format: Arguments['log']): GatewayApp {
  return format === 'none' ? app : accessLog(patientOutput(), { format })(app);
}

/** Stdout, without waiting for its reader: while that is busy, lines are dropped. `process.stdout` would block on a pipe. */
function patientOutput(): LogOutput {
  const output = createWriteStream('', { fd: 1, autoClose: false });
  // Nothing reads the output any more. Serving goes on.
  output.on('error', () => undefined);
  return { write: (line) => !output.writableNeedDrain && output.write(line) };
}

/** The first signal lets responses finish; the second has no listener and ends the program at once. */
function stopOnSignals(server: HttpServer): void {
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
