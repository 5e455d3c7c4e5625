/**
 * What a handler gets and what it gives back: requests and responses. Plain data; the connection checks it.
 */

import type { Socket } from 'node:net';

import { NotImplemented } from '#course/not-implemented.ts';
import type { HttpLimits, HttpTimeouts } from './errors.ts';
import type { HttpVersion, RequestEvent, TargetForm } from './events.ts';
import { type HeaderPair, HttpHeaders } from './headers.ts';

/** The connection that a request came in on. */
export interface RequestSource {
  readonly socket: Socket;
  readonly heldBytesMax: number;
  /** The next part of the body, or the trailers at its end. */
  readBody(request: HttpRequest): Promise<Buffer | HttpHeaders>;
  sendInformational(request: HttpRequest, status: number, headers: readonly HeaderPair[]): void;
}

/** A request, as a handler sees it. */
export class HttpRequest {
  readonly #head: RequestEvent;
  readonly #source: RequestSource;
  readonly #controller = new AbortController();
  #trailers = new HttpHeaders();
  /**
   * The body as it arrives: nothing is read from the client before a part is asked for.
   *
   * @throws RemoteProtocolError when the body is broken, too long or too slow, or the client has gone
   */
  readonly body: AsyncGenerator<Buffer, undefined> = this.#parts();

  constructor(head: RequestEvent, source: RequestSource) {
    this.#head = head;
    this.#source = source;
  }

  /** Case-sensitive; any token. */
  get method(): string { return this.#head.method; }
  /** The request target as it was sent. */
  get target(): string { return this.#head.target; }
  /** The form of the target: `origin`, `absolute` or `asterisk`. */
  get form(): TargetForm { return this.#head.form; }
  get httpVersion(): HttpVersion { return this.#head.httpVersion; }
  get headers(): HttpHeaders { return this.#head.headers; }
  /** Trailer fields, once the body has been read to its end. */
  get trailers(): HttpHeaders { return this.#trailers; }
  /** The path as sent, percent-encoding and all; `*` for `OPTIONS *`. */
  get path(): string {
    throw new NotImplemented('2.8');
  }
  /** What follows the first `?` of the target, as sent; `''` without one. */
  get query(): string {
    throw new NotImplemented('2.8');
  }
  /**
   * The host and port that the request is for: from an absolute-form target, else from Host; `''` if neither has one.
   * RFC 9112 §3.2.2: with an absolute-form the Host field MUST be ignored.
   */
  get authority(): string {
    throw new NotImplemented('2.8');
  }
  get scheme(): 'http' | 'https' { return 'encrypted' in this.#source.socket ? 'https' : 'http'; }
  get remoteAddress(): string | undefined { return this.#source.socket.remoteAddress; }
  get remotePort(): number | undefined { return this.#source.socket.remotePort; }
  get localAddress(): string | undefined { return this.#source.socket.localAddress; }
  get localPort(): number | undefined { return this.#source.socket.localPort; }
  /** Whether there is a body to read: also false for `Content-Length: 0`. */
  get hasBody(): boolean { return this.#head.framing.kind !== 'none'; }
  /** Aborts if the client leaves before its response is complete. */
  get signal(): AbortSignal { return this.#controller.signal; }
  /** The length of the body if it was announced: 0 without a body, `undefined` for a chunked one. */
  get contentLength(): number | undefined {
    throw new NotImplemented('2.8');
  }

  /**
   * The rest of the body as a whole.
   *
   * @param bytesMax default `limits.heldBytesMax`
   * @throws RemoteProtocolError 413 when it is longer, and what reading the body throws
   */
  async bytes(bytesMax: number = this.#source.heldBytesMax): Promise<Buffer> {
    throw new NotImplemented('2.9');
  }

  /** The rest of the body as UTF-8 text; invalid bytes become U+FFFD. @throws as {@link HttpRequest.bytes} */
  async text(bytesMax?: number): Promise<string> { return (await this.bytes(bytesMax)).toString(); }

  /** Sends an interim response, such as 103 with Link fields. Dropped for an HTTP/1.0 client. */
  sendInformational(status: number, headers: readonly HeaderPair[] = []): void {
    this.#source.sendInformational(this, status, headers);
  }

  /** Tells anyone who listens that the client has gone. For the server. @internal */
  abort(): void { this.#controller.abort(); }

  async *#parts(): AsyncGenerator<Buffer, undefined> {
    // TODO 2.9  What `#source.readBody` gives, part by part, and in the end its trailers.
    throw new NotImplemented('2.9');
  }
}

export type BodyPart = string | Uint8Array;
/**
 * A body in parts. A part is asked for only once the part before it has gone to the kernel. If the iterator has not
 * ended by itself, its `return()` is called. In every case `close()` is called once, even if no part was asked for.
 */
export type BodyIterable = (Iterable<BodyPart> | AsyncIterable<BodyPart>) & { close?(): void | Promise<void> };
export type ResponseBody = BodyPart | BodyIterable;
/** Header fields as pairs, or as an object. */
export type HeadersInit = readonly HeaderPair[] | Readonly<Record<string, string>>;

export interface ResponseOptions {
  /** Instead of the registered reason phrase. */
  readonly reason?: string | undefined;
  /** Trailer fields, asked for when a chunked body has ended. */
  readonly trailers?: (() => readonly HeaderPair[]) | undefined;
  /** {@link HttpResponse.switchingProtocols} */
  readonly takeOver?: TakeOver | undefined;
}

/**
 * Takes over a connection.
 *
 * @param socket without listeners, not paused
 * @param head bytes that have arrived already
 */
export type TakeOver = (socket: Socket, head: Buffer) => void;

/** A response, not checked before it is sent. */
export class HttpResponse {
  readonly status: number;
  readonly headers: readonly HeaderPair[];
  readonly body: ResponseBody;
  readonly reason: ResponseOptions['reason'];
  readonly trailers: ResponseOptions['trailers'];
  readonly takeOver: ResponseOptions['takeOver'];

  /**
   * @param status 200 to 599
   * @param body a string goes out as UTF-8. Without a Content-Length among the headers, its length is sent if it is
   *   known; an iterable goes out in chunks
   */
  constructor(status: number, headers: HeadersInit = [], body: ResponseBody = '', options: ResponseOptions = {}) {
    this.status = status;
    this.headers = Array.isArray(headers) ? (headers as readonly HeaderPair[]) : Object.entries(headers);
    this.body = body;
    ({ reason: this.reason, trailers: this.trailers, takeOver: this.takeOver } = options);
  }

  /** The same response with another body: one that counts, say, what is taken of this one. */
  withBody(body: ResponseBody): HttpResponse { return new HttpResponse(this.status, this.headers, body, this); }

  /** Plain text in UTF-8. */
  static text(body: string, status = 200): HttpResponse {
    return new HttpResponse(status, { 'Content-Type': 'text/plain; charset=utf-8' }, body);
  }

  /**
   * 101: hands the connection over to another protocol. The request must have asked for it and have no body left.
   * `Connection: Upgrade` is added here; `Upgrade` itself must be among the given headers.
   */
  static switchingProtocols(headers: HeadersInit, takeOver: TakeOver): HttpResponse {
    throw new NotImplemented('2.12');
  }
}

/** What answers requests. It may throw an HttpError to answer with its status; any other error is answered with 500. */
export type Handler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;
/**
 * Called for faults on our side: what a handler threw, a response that could not be sent. `request` is the one that was
 * being answered, if any. The peers' faults are not reported.
 */
export type ErrorReporter = (error: unknown, request: HttpRequest | null) => void;

/** What all connections of a server share. */
export interface ServerContext {
  readonly handler: Handler;
  readonly limits: HttpLimits;
  readonly timeouts: HttpTimeouts;
  readonly onError: ErrorReporter;
  readonly refusalHeaders: readonly HeaderPair[];
  readonly abortOnHalfClose: boolean;
  /** Each response is its connection's last. */
  readonly closing: boolean;
  /** Connections that wait for a request end. */
  readonly idleEnds: boolean;
}

/**
 * The response that an error deserves. A peer's fault closes the connection: what follows on it could be anything.
 * Any error that was not meant for the client becomes a 500 that says nothing more.
 *
 * @param fields further ones for the response; the error's own take their place
 */
export function refusal(error: unknown, fields: readonly HeaderPair[] = []): HttpResponse {
  // TODO 2.10 Plain text that says the status, its reason phrase and the message. RemoteProtocolError, HttpError with a
  //           status from 400 to 599, and everything else are three cases.
  throw new NotImplemented('2.10');
}

/** Whether the error is this server's own fault, to be reported, rather than an answer or the peer's fault. */
export function isOurFault(error: unknown): boolean {
  throw new NotImplemented('2.10');
}
