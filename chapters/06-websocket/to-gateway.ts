/**
 * Turns an asynchronous application into one of part one: the rule A111 of docs/gateway-spec.md, which says what is
 * lost.
 *
 * To the application it is the server. The real one, of part one, asks for each part of the body, and that is what
 * `send` waits for.
 */

import { reasonPhrase } from '../02-http/index.ts';
import type { HeaderPair } from '../02-http/index.ts';
import { requestPath } from '../05-gateway/index.ts';
import type { Body, Environ, GatewayApp } from '../05-gateway/index.ts';
import type { AsyncApp } from './async-app.ts';
import { defaultBufferedBytesMax } from './async-settings.ts';
import { environScope } from './environ-scope.ts';
import { HttpExchange } from './http-exchange.ts';
import type { HttpSource } from './http-exchange.ts';
import { RunningApps } from './running-apps.ts';
import type { SentHead } from './sent-response.ts';
import { UnknownScopes, errorText } from './unknown-scopes.ts';

/** Makes an application of part one. It is called with http scopes only, and with a `state` that is empty. */
export function toGateway(app: AsyncApp): GatewayApp {
  const running = new RunningApps();
  const unknown = new UnknownScopes();
  return (environ, startResponse) => {
    const source = new EnvironSource(environ);
    const report = (error: unknown): void => {
      if (unknown.isNews(error, 'http')) writeError(environ, error);
    };
    const exchange = new HttpExchange(source, defaultBufferedBytesMax, report);
    running.run(app, environScope(environ), exchange);
    return new ExchangeBody(exchange.response, ({ status, reason, headers }) => {
      // G40: a status has a text.
      startResponse(`${status} ${(reason ?? reasonPhrase(status)) || 'Unknown'}`, headers);
    });
  };
}

/** An environ as an exchange sees it. */
class EnvironSource implements HttpSource {
  readonly method: string;
  readonly bodyBytes: number | undefined;
  readonly #environ: Environ;
  readonly #parts: AsyncIterator<Buffer>;

  constructor(environ: Environ) {
    this.method = environ.REQUEST_METHOD;
    this.bodyBytes = bodyBytesOf(environ);
    this.#environ = environ;
    this.#parts = environ['gateway.input'][Symbol.asyncIterator]();
  }

  get gone(): boolean {
    return this.#environ['gateway.signal'].aborted;
  }

  onGone(listener: () => void): void {
    if (this.gone) listener();
    else this.#environ['gateway.signal'].addEventListener('abort', listener, { once: true });
  }

  async readPart(): Promise<Buffer | null> {
    return (await this.#parts.next()).value ?? null;
  }

  get earlyHints(): ((headers: readonly HeaderPair[]) => void) | null {
    return this.#environ['gateway.earlyHints'] ?? null;
  }
}

/** The response as a body whose head comes with its first part. */
class ExchangeBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #response: Promise<SentHead>;
  readonly #onHead: (head: SentHead) => void;
  #parts: Iterator<Uint8Array> | AsyncIterator<Uint8Array> | null = null;
  #closed = false;

  constructor(response: Promise<SentHead>, onHead: (head: SentHead) => void) {
    this.#response = response;
    this.#onHead = onHead;
    // If the client goes first, there is nobody to tell.
    response.catch(() => undefined);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#parts === null) {
      const head = await this.#response;
      this.#parts = iterate(head);
      if (this.#closed) return this.return();
      this.#onHead(head);
    }
    const { done, value } = await this.#parts.next();
    return done === true ? END : { done: false, value };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.#parts?.return?.();
    return END;
  }

  /** The server wants no more of it. The application learns that from `send`, and from its signal if its client has gone. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#response.then(closeParts).catch(() => undefined);
  }
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

function iterate({ body }: SentHead): Iterator<Uint8Array> | AsyncIterator<Uint8Array> {
  if (body instanceof Uint8Array) return [body][Symbol.iterator]();
  return Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
}

function closeParts({ body }: SentHead): void | Promise<void> {
  if ('close' in body && typeof body.close === 'function') return (body as Body).close?.();
}

/** 0 without a body, `undefined` if it comes in chunks (G18). */
function bodyBytesOf(environ: Environ): number | undefined {
  if (environ['HTTP_TRANSFER_ENCODING'] !== undefined) return undefined;
  return Number(environ.CONTENT_LENGTH ?? 0);
}

function writeError(environ: Environ, error: unknown): void {
  const place = `${environ.REQUEST_METHOD} ${requestPath(environ)}`;
  environ['gateway.errors'].write(`error in ${place}: ${errorText(error)}\n`);
}
