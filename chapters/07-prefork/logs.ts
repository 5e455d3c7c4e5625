/**
 * What the service writes about itself: files that may be replaced while they are written, the access log's lines, and
 * what the workers print.
 *
 * It knows neither a worker nor a request, only facts and lines. Serving waits for no log: a pipe whose
 * reader is slow loses lines instead of holding the service.
 */

import { closeSync, constants, createWriteStream, fstatSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';

import { NotImplemented } from '#course/not-implemented.ts';
import type { HeaderPair } from '../02-http/index.ts';

/** To the end of the file, whoever else writes there; and a named pipe that nobody reads is an error, not a wait. */
const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | (constants.O_NONBLOCK ?? 0);
/** For its owner and the group: who asked for what is nobody else's business. */
const MODE = 0o640;
/** While a pipe has this many bytes waiting for its reader, further lines are dropped, and counted. */
const WAITING_BYTES_MAX = 1024 * 1024;

/** A log that lines are added to. Several processes may have the same file open: a line is never cut by another's. */
export class LogFile {
  readonly #path: string;
  readonly #standardFd: number;
  readonly #onProblem: (problem: string) => void;
  #fd: number;
  #pipe: Writable | null;
  #dropped = 0;
  #failing = false;

  /**
   * @param path a file, which is created if need be; `-` for stdout or stderr
   * @param standardFd what `-` is: 1 for stdout, 2 for stderr
   * @param onProblem is told what went wrong, in one sentence. Default: it becomes a line of this log
   * @throws Error if the file cannot be opened
   */
  constructor(path: string, standardFd: 1 | 2 = 2, onProblem?: (problem: string) => void) {
    this.#path = path;
    this.#standardFd = standardFd;
    this.#onProblem = onProblem ?? ((problem) => this.report(problem));
    this.#fd = this.#open();
    this.#pipe = pipeTo(this.#fd);
  }

  /** @param line without the newline; what came from a client is escaped already */
  write(line: string): void {
    if (this.#pipe !== null) this.#offer(this.#pipe, line);
    else this.#writeToFile(line);
  }

  /**
   * Writes about the service itself: `2026-11-30T13:20:01.123Z [PID] text`, once for each line of the text.
   *
   * @param pid the process that it is about. Default: this one
   */
  report(text: string, pid: number = process.pid): void {
    const start = `${new Date().toISOString()} [${pid}] `;
    for (const line of text.split('\n')) this.write(start + escapeControls(line));
  }

  /**
   * Opens the file anew by its name: the old one was renamed. Every line goes to one of the two. If it cannot be opened,
   * the old one stays in use.
   */
  reopen(): void {
    if (this.#path === '-') return;
    // TODO 7.8  Do what the comment above says. If it cannot be opened, say so to `#onProblem`.
    throw new NotImplemented('7.8');
  }

  /** Nothing may be written after it. */
  close(): void {
    if (this.#pipe !== null) this.#pipe.end();
    else if (this.#path !== '-') closeSync(this.#fd);
  }

  #open(): number {
    return this.#path === '-' ? this.#standardFd : openSync(this.#path, APPEND, MODE);
  }

  /** Now, so that nothing is lost when the process is killed. The kernel takes a few microseconds for a line. */
  #writeToFile(line: string): void {
    try {
      let bytes = Buffer.from(`${line}\n`);
      while (bytes.length > 0) bytes = bytes.subarray(writeSync(this.#fd, bytes));
      this.#failing = false;
    } catch (error) {
      // The disk is full. Serving goes on, and it is said once, not for every line.
      const isNews = !this.#failing;
      this.#failing = true;
      if (isNews) this.#onProblem(`${this.#path}: ${messageOf(error)}`);
    }
  }

  #offer(pipe: Writable, line: string): void {
    if (pipe.writableLength > WAITING_BYTES_MAX) {
      this.#dropped++;
      return;
    }
    if (this.#dropped > 0) pipe.write(`# ${this.#dropped} lines were dropped: their reader is too slow\n`);
    this.#dropped = 0;
    pipe.write(`${line}\n`);
  }
}

/** Whatever is not a file may have a slow reader: the event loop writes there. Null for a file. */
function pipeTo(fd: number): Writable | null {
  const stats = fstatSync(fd);
  if (stats.isFile()) return null;
  const isPipe = stats.isFIFO() || stats.isSocket();
  const pipe = isPipe ? new Socket({ fd, readable: false, writable: true }).unref() : createWriteStream('', { fd, autoClose: false });
  // Nobody reads any more. Serving goes on.
  return pipe.on('error', () => undefined);
}

/** What is known about a request when its response is over. */
export interface AccessFacts {
  /** The client's address; null if it is not known, as on a Unix domain socket. */
  readonly client: string | null;
  /** Who the client says it is, and was believed. */
  readonly user: string | null;
  /** When the request came. */
  readonly time: Date;
  readonly method: string;
  /** As it was sent, with the query. */
  readonly target: string;
  /** `1.1` */
  readonly version: string;
  readonly status: number;
  /** Of the body, as they were sent. */
  readonly bytes: number;
  readonly durationMs: number;
  readonly pid: number;
  readonly requestHeaders: Iterable<HeaderPair>;
  readonly responseHeaders: Iterable<HeaderPair>;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Without quotes around it, a value must be a single word. */
const asWord = (text: string | null): string => (text === null || text === '' ? '-' : escapeClient(text).replaceAll(' ', '\\x20'));

/** gunicorn's atoms: https://docs.gunicorn.org/en/stable/settings.html#access-log-format */
const ATOMS: Readonly<Record<string, (facts: AccessFacts) => string>> = {
  h: ({ client }) => asWord(client),
  // TODO 7.8  All others of the lesson's table. What is empty or not known is `-`, and so is a user without a name.
};

/**
 * A line of the access log, without the newline. Nothing in it that came from the client can end the line or the quotes.
 *
 * @param format text with atoms: `%(h)s`, `%({user-agent}i)s` for a field of the request, `%({server}o)s` for one of the
 *   response, `%%` for a percent sign. What is not there, or not known, is `-`
 */
export function accessLine(format: string, facts: AccessFacts): string {
  // TODO 7.8  Do what the comment above says. The format may hold any text: what looks like an atom and is none that we
  //           know is `-`, and what comes from the client is no format.
  throw new NotImplemented('7.8');
}

function fieldOf(headers: Iterable<HeaderPair>, name: string): string {
  // TODO 7.8  The value of a field, whatever the case of its name. Several fields of this name are one, with `, ` between.
  throw new NotImplemented('7.8');
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\' };

/** As Apache's logs have it: `\"`, `\\`, `\n`, and `\xhh` for every byte that is not a visible character of ASCII. */
function escapeClient(text: string): string {
  // TODO 7.8  Do what the comment above says.
  throw new NotImplemented('7.8');
}

/** For text of our own: what a terminal would obey becomes visible. */
function escapeControls(text: string): string {
  return text.replace(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/g, (character) => NAMED[character] ?? hexOf(character));
}

/** A field's value has a character for each byte; any other text is UTF-8. */
function hexOf(character: string): string {
  const bytes = Buffer.from(character, character > '\xff' ? 'utf8' : 'latin1');
  return [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

/** The longest line of a worker's output, in characters; a longer one becomes several. */
export const OUTPUT_LINE_MAX = 16 * 1024;

/**
 * Reads what a worker prints and hands it on line by line, the last one even without its newline.
 *
 * @param onLine is given each line without its ending
 */
export function captureOutput(stream: Readable, onLine: (line: string) => void): void {
  // TODO 7.8  A line ends with LF or CR LF, and may come in pieces; a character may be cut in two. A line that is longer than
  //           OUTPUT_LINE_MAX is handed on in pieces of that length, and never kept until it ends.
  throw new NotImplemented('7.8');
}
