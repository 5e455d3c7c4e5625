/**
 * Serves a directory, as `python -m http.server` does:
 *
 *     main.ts [PORT] [--directory DIR] [--bind ADDRESS] [--listing] [--cors] [--header NAME:VALUE] [--cache SECONDS] …
 *
 * Exit codes: 0 stopped by a signal, 1 the directory or the address is not available, 2 wrong arguments.
 */

import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { reportDetached } from '../01-echo/index.ts';
import { HttpServer } from '../02-http/index.ts';
import type { HeaderPair } from '../02-http/index.ts';
import { accessLog, logLine, staticFiles } from './index.ts';
import type { StaticOptions } from './index.ts';
import { LineOutput } from './line-output.ts';

const USAGE = `usage: main.ts [PORT] [--directory DIR] [--bind ADDRESS] [--port N]
  --directory DIR      what is served; default: the current directory
  --bind ADDRESS       where to listen; default 127.0.0.1, reachable from this machine only
  --port N             0 picks a free one; default 8000
  --no-listing         404 for a directory without an index
  --dotfiles           serve names that begin with a dot
  --follow-outside     follow symbolic links that lead out of the directory
  --precompressed      serve app.js.br, .zst or .gz for app.js to clients that accept it
  --cache SECONDS      how long clients may keep a file; default 0: they ask each time
  --memory MIB         keep small files in memory
  --cors               let pages of any origin read the files
  --header NAME:VALUE  a field for every response; may be repeated
  --no-log             no access log`;

const DEADLINE_MS = 30_000;
/** Any page may read the files, may send any field, and may see any field of the response. */
const CORS_FIELDS: readonly HeaderPair[] = [
  ['Access-Control-Allow-Origin', '*'],
  ['Access-Control-Allow-Headers', '*'],
  ['Access-Control-Expose-Headers', '*'],
];

export interface Arguments {
  readonly directory: string;
  readonly host: string;
  readonly port: number;
  readonly log: boolean;
  readonly help: boolean;
  /** For every response, of files and of errors. */
  readonly headers: readonly HeaderPair[];
  readonly files: StaticOptions;
}

/** Parses the arguments. @throws Error with a sentence for the person who typed them */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    allowNegative: true,
    options: {
      directory: { type: 'string', short: 'd', default: '.' },
      bind: { type: 'string', short: 'b', default: '127.0.0.1' },
      port: { type: 'string', short: 'p' },
      listing: { type: 'boolean', default: true },
      dotfiles: { type: 'boolean', default: false },
      'follow-outside': { type: 'boolean', default: false },
      precompressed: { type: 'boolean', default: false },
      cache: { type: 'string', default: '0' },
      memory: { type: 'string', default: '0' },
      cors: { type: 'boolean', default: false },
      header: { type: 'string', multiple: true, default: [] },
      log: { type: 'boolean', default: true },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (positionals.length > 1) throw new Error(`Give one PORT at most: '${positionals[1]}' is a second argument.`);
  if (positionals.length === 1 && values.port !== undefined) throw new Error('The port is given twice.');
  const seconds = wholeNumber('--cache', values.cache, 31_536_000);
  const headers = [...(values.cors ? CORS_FIELDS : []), ...values.header.map(parseHeader)];
  const files: StaticOptions = {
    listing: values.listing,
    dotfiles: values.dotfiles,
    followOutside: values['follow-outside'],
    encodings: values.precompressed ? ['br', 'zstd', 'gzip'] : [],
    cacheControl: seconds === 0 ? 'no-cache' : `public, max-age=${seconds}`,
    cacheBytesMax: wholeNumber('--memory', values.memory, 65_536) * 2 ** 20,
    headers,
  };
  const port = wholeNumber('The port', values.port ?? positionals[0] ?? '8000', 65_535);
  return { directory: values.directory, host: values.bind, port, log: values.log, help: values.help, headers, files };
}

function wholeNumber(what: string, value: string, max: number): number {
  if (!/^\d{1,9}$/.test(value) || Number(value) > max) throw new Error(`${what} is a whole number from 0 to ${max}, not '${value}'.`);
  return Number(value);
}

function parseHeader(header: string): HeaderPair {
  const colon = header.indexOf(':');
  if (colon < 1) throw new Error(`--header takes NAME:VALUE, not '${header}'.`);
  return [header.slice(0, colon).trim(), header.slice(colon + 1).trim()];
}

/** Starts the server, says where, and stops it on SIGINT or SIGTERM. Resolves to an exit code if it cannot start. */
export async function main(argv: readonly string[]): Promise<number | undefined> {
  let server: HttpServer;
  let log: LineOutput | null;
  let options: Arguments;
  try {
    options = parseArguments(argv);
    log = options.log ? new LineOutput(1) : null;
    server = new HttpServer(handlerFor(options, log), { refusalHeaders: options.headers });
  } catch (error) {
    console.error(`${sentence(error)}\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  try {
    await checkDirectory(options.directory);
    await server.listen(options);
  } catch (error) {
    console.error(sentence(error));
    return 1;
  }
  stopOnSignals(server, log);
  console.log(`listening on ${server.origin}`);
  return undefined;
}

function handlerFor(options: Arguments, log: LineOutput | null): ReturnType<typeof staticFiles> {
  const files = staticFiles(options.directory, options.files);
  return log === null ? files : accessLog(files, (entry) => log.writeLine(logLine(entry)));
}

/** @throws Error with a sentence */
async function checkDirectory(directory: string): Promise<void> {
  try {
    if (!(await stat(directory)).isDirectory()) throw new Error(`${directory} is not a directory.`);
    await access(directory, constants.R_OK | constants.X_OK);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new Error(`There is no directory ${directory}.`, { cause: error });
    if (code === 'EACCES' || code === 'EPERM') throw new Error(`The directory ${directory} may not be read by this user.`, { cause: error });
    throw error;
  }
}

/** The first signal lets downloads finish; the second finds no listener and ends the program at once. */
function stopOnSignals(server: HttpServer, log: LineOutput | null): void {
  const stop = (signal: NodeJS.Signals): void => {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    server.closeGracefully({ deadlineMs: DEADLINE_MS }).then(() => log?.close()).catch(reportDetached);
    if (server.connections === 0) return;
    console.error(`${signal}: what is in flight has ${DEADLINE_MS / 1000} s to finish; a second signal ends it now.`);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message.split('\n')[0]! : String(error);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
