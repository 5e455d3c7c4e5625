/**
 * An access log in the Common Log Format: a line for each response, when its last byte has gone or never will.
 *
 *     127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] "GET /index.html HTTP/1.1" 200 1024
 *
 * What is not a request, and so never reaches a handler, is not in the log.
 */

import { HttpResponse, refusal } from '../02-http/index.ts';
import type { BodyIterable, BodyPart, Handler, HttpRequest, ResponseBody } from '../02-http/index.ts';

export interface AccessLogEntry {
  readonly request: HttpRequest;
  readonly status: number;
  /** Of the body, as far as it was sent. */
  readonly bytes: number;
  readonly timeMs: number;
}

/**
 * A handler that does what the given one does, and reports what it answered.
 *
 * @param log called once for each response
 */
export function accessLog(handler: Handler, log: (entry: AccessLogEntry) => void): Handler {
  const logged = (request: HttpRequest, response: HttpResponse): HttpResponse => {
    const { status, body } = response;
    const tell = (bytes: number): void => log({ request, status, bytes, timeMs: Date.now() });
    const sent = request.method !== 'HEAD' && status !== 304;
    if (typeof body === 'string' || body instanceof Uint8Array) {
      tell(sent ? Buffer.byteLength(body) : 0);
      return response;
    }
    return response.withBody(new CountedBody(body, tell));
  };
  const failed = (request: HttpRequest, error: unknown): never => {
    logged(request, refusal(error));
    throw error;
  };
  return (request) => {
    try {
      const response = handler(request);
      if (response instanceof HttpResponse) return logged(request, response);
      return response.then((value) => logged(request, value), (error: unknown) => failed(request, error));
    } catch (error) {
      return failed(request, error);
    }
  };
}

/** A body that counts how much of it was taken. */
class CountedBody implements AsyncIterableIterator<BodyPart> {
  readonly #body: Exclude<ResponseBody, BodyPart>;
  readonly #iterator: Iterator<BodyPart> | AsyncIterator<BodyPart>;
  readonly #tell: (bytes: number) => void;
  /** The part that is on its way counts when the next one is asked for. */
  #underWay = 0;
  #sent = 0;

  constructor(body: BodyIterable, tell: (bytes: number) => void) {
    this.#body = body;
    this.#iterator = Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
    this.#tell = tell;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<BodyPart, undefined>> {
    this.#sent += this.#underWay;
    this.#underWay = 0;
    const { done, value } = await this.#iterator.next();
    if (done === true) return { done, value: undefined };
    this.#underWay = Buffer.byteLength(value);
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<BodyPart, undefined>> {
    await this.#iterator.return?.();
    return { done: true, value: undefined };
  }

  async close(): Promise<void> {
    this.#tell(this.#sent);
    await this.#body.close?.();
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** An entry as a line, without the newline. */
export function logLine(entry: AccessLogEntry): string {
  const { request, status, bytes, timeMs } = entry;
  const line = `${request.method} ${request.target} HTTP/${request.httpVersion}`;
  return `${request.remoteAddress ?? '-'} - - [${logDate(timeMs)}] "${escapeQuoted(line)}" ${status} ${bytes === 0 ? '-' : bytes}`;
}

/** In UTC: two servers' logs can be read side by side. */
function logDate(timeMs: number): string {
  const date = new Date(timeMs);
  const iso = date.toISOString();
  return `${iso.slice(8, 10)}/${MONTHS[date.getUTCMonth()]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
}

/** Nothing that a client sends may end the quotes or the line. */
function escapeQuoted(text: string): string {
  return text.replace(/["\\]|[^\x20-\x7e]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
