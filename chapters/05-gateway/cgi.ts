/**
 * CGI, the origin of the interface: a process for each request (RFC 3875). The request is in its environment and on its
 * stdin, the response is what it prints.
 *
 * The process is both the cost and the benefit: a script may leak, hang and crash, and harms no other request.
 */

import { dirname } from 'node:path';

import { reportDetached } from '../01-echo/index.ts';
import { HttpError } from '../02-http/index.ts';
import { answer } from './answer.ts';
import { parseCgiHead } from './cgi-head.ts';
import type { CgiHead } from './cgi-head.ts';
import { CgiProcess } from './cgi-process.ts';
import { cgiVariables } from './cgi-variables.ts';
import type { Environ, GatewayApp, StartResponse } from './gateway.ts';
import { ScriptError } from './script-error.ts';

export interface CgiOptions {
  /** Arguments for the script: with an interpreter as `script`, the file that it runs. Default none. */
  readonly args?: readonly string[];
  /** Where it runs. Default: its directory. */
  readonly cwd?: string;
  /** Variables for every request. Nothing of our own environment is passed on. Default: a PATH. */
  readonly variables?: Readonly<Record<string, string>>;
  /** How long it may be silent, in milliseconds; then it is killed and the client gets 504. Default 30,000. */
  readonly silenceMs?: number;
  /** The head of its answer, in bytes. Default 16 KiB. */
  readonly headBytesMax?: number;
  /** A body of unknown length is held until it has ended, up to this many bytes; a longer one is answered with 413. Default 1 MiB. */
  readonly heldBytesMax?: number;
  /** What it may write to stderr for one request, in characters. Default 64 Ki. */
  readonly stderrMax?: number;
  /** How many may run at once; more are answered with 503. Default 32. */
  readonly processesMax?: number;
}

const PATH = '/usr/local/bin:/usr/bin:/bin';

/**
 * Runs a script for each request. Its failures are reported to `gateway.errors`. The client gets 500 if the script
 * cannot be started, 502 for anything that is not an answer, 504 for silence; a response that was begun is cut off.
 *
 * @param script the path of an executable file
 */
export function cgi(script: string, options: CgiOptions = {}): GatewayApp {
  const settings: Required<CgiOptions> = {
    args: [], cwd: dirname(script), variables: { PATH }, silenceMs: 30_000, headBytesMax: 16 * 1024,
    heldBytesMax: 1024 * 1024, stderrMax: 64 * 1024, processesMax: 32, ...options,
  };
  let running = 0;
  return (environ, startResponse) => {
    if (running >= settings.processesMax) return answer(startResponse, 503, [['Retry-After', '1']]);
    running++;
    let counted = true;
    const run = new CgiRun(script, settings, environ, () => {
      if (counted) running--;
      counted = false;
    });
    return { [Symbol.asyncIterator]: () => run.answer(startResponse), close: () => run.close() };
  };
}

class CgiRun {
  readonly #script: string;
  readonly #settings: Required<CgiOptions>;
  readonly #environ: Environ;
  readonly #onEnd: () => void;
  #process: CgiProcess | null = null;
  #closed = false;

  constructor(script: string, settings: Required<CgiOptions>, environ: Environ, onEnd: () => void) {
    this.#script = script;
    this.#settings = settings;
    this.#environ = environ;
    this.#onEnd = onEnd;
  }

  async *answer(startResponse: StartResponse): AsyncGenerator<Uint8Array, void, undefined> {
    let begun = false;
    try {
      const child = await this.#start();
      const output = child.output(this.#settings.silenceMs);
      const { status, headers, rest } = await this.#head(output, child);
      if (child.fault !== null) throw child.fault.error;
      startResponse(status, headers);
      begun = true;
      if (rest.length > 0) yield rest;
      yield* output;
      const { signal } = await child.ended;
      if (signal !== null) throw new ScriptError(502, `it was ended by ${signal}`);
    } catch (error) {
      // After close(), it no longer matters how the killed script ended.
      if (this.#closed) return;
      // A request body that breaks off has its own answer: the script was killed for it, but did nothing wrong.
      if (this.#process?.fault != null) throw this.#process.fault.error;
      throw error instanceof ScriptError ? this.#told(error, begun) : error;
    }
  }

  /** The client has gone, or the response is over: whatever is still running is no longer needed. */
  close(): void {
    this.#closed = true;
    if (this.#process === null) this.#onEnd();
    else this.#process.kill();
  }

  async #start(): Promise<CgiProcess> {
    const { 'gateway.input': input, CONTENT_LENGTH } = this.#environ;
    const { args, cwd, variables: own, heldBytesMax } = this.#settings;
    const held = CONTENT_LENGTH === undefined ? await input.read(heldBytesMax + 1) : null;
    if (held !== null && held.length > heldBytesMax) throw new HttpError(413);
    if (this.#closed) throw new ScriptError(500, 'the client had gone before it was started');
    const length = held === null ? Number(CONTENT_LENGTH) : held.length > 0 ? held.length : null;
    const command = { command: this.#script, args, cwd, variables: cgiVariables(this.#environ, length, own) };
    const child = this.#spawn(command);
    this.#process = child;
    child.ended.then(this.#onEnd).catch(reportDetached);
    child.feed(held === null ? input : [held]).catch(reportDetached);
    return child;
  }

  #spawn(command: ConstructorParameters<typeof CgiProcess>[0]): CgiProcess {
    let left = this.#settings.stderrMax;
    try {
      return new CgiProcess(command, (text) => {
        if (left > 0) this.#environ['gateway.errors'].write(text.slice(0, left));
        left -= text.length;
      });
    } catch (error) {
      throw new ScriptError(500, `it could not be started: ${String(error)}`);
    }
  }

  async #head(output: AsyncGenerator<Buffer, void, undefined>, child: CgiProcess): Promise<CgiHead> {
    let bytes: Buffer = Buffer.alloc(0);
    const { headBytesMax } = this.#settings;
    for (;;) {
      const { done, value } = await output.next();
      if (done === true) throw await noHead(child);
      bytes = Buffer.concat([bytes, value]);
      const head = parseCgiHead(bytes);
      if (bytes.length - (head?.rest.length ?? 0) > headBytesMax) throw new ScriptError(502, 'its head is too long');
      if (head !== null) return head;
    }
  }

  /** Reports the reason to the server's operator; the client gets the status, or, if it is too late for that, the end of the connection. */
  #told(error: ScriptError, begun: boolean): Error {
    this.#environ['gateway.errors'].write(`${this.#script}: ${error.message}\n`);
    return begun ? error : new HttpError(error.status);
  }
}

async function noHead(child: CgiProcess): Promise<ScriptError> {
  const { code, signal, error } = await child.ended;
  if (error !== null) return new ScriptError(500, `it could not be started: ${error.message}`);
  return new ScriptError(502, `it ended (${signal ?? `exit code ${code}`}) before it had written a head`);
}
