/**
 * A response, as a handler returns it: plain data, not checked yet. The connection checks it when it sends it.
 */

import type { Socket } from 'node:net';

import type { HeaderPair } from './headers.ts';
import type { HttpRequest } from './request.ts';

export type BodyPart = string | Uint8Array;

/**
 * A body in parts. A part is asked for only once the part before it has gone to the kernel, so the memory of that one
 * may be reused by then. If the iterator has not ended by itself, its `return()` is called. In every case `close()` is
 * called once after that, even if no part was ever asked for.
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
}

/**
 * Takes over a connection.
 *
 * @param socket without listeners, not paused
 * @param head bytes that have arrived already
 */
export type TakeOver = (socket: Socket, head: Buffer) => void;

export class HttpResponse {
  readonly status: number;
  readonly headers: readonly HeaderPair[];
  readonly body: ResponseBody;
  readonly reason: string | undefined;
  readonly trailers: (() => readonly HeaderPair[]) | undefined;
  readonly takeOver: TakeOver | undefined;

  /**
   * @param status 200 to 599
   * @param body a string goes out as UTF-8. Without a Content-Length among the headers, its length is sent if it is
   *   known; an iterable goes out in chunks
   */
  constructor(
    status: number,
    headers: HeadersInit = [],
    body: ResponseBody = '',
    options: ResponseOptions & { readonly takeOver?: TakeOver | undefined } = {},
  ) {
    this.status = status;
    this.headers = Array.isArray(headers) ? (headers as readonly HeaderPair[]) : Object.entries(headers);
    this.body = body;
    this.reason = options.reason;
    this.trailers = options.trailers;
    this.takeOver = options.takeOver;
  }

  /** The same response with another body: one that counts, say, what is taken of this one. */
  withBody(body: ResponseBody): HttpResponse {
    return new HttpResponse(this.status, this.headers, body, this);
  }

  /** Plain text in UTF-8. */
  static text(body: string, status = 200): HttpResponse {
    return new HttpResponse(status, plainText, body);
  }

  /**
   * 101: hands the connection over to another protocol. The request must have asked for it and have no body left.
   * `Connection: Upgrade` is added here; `Upgrade` itself must be among the given headers.
   */
  static switchingProtocols(headers: HeadersInit, takeOver: TakeOver): HttpResponse {
    const pairs = Array.isArray(headers) ? (headers as readonly HeaderPair[]) : Object.entries(headers);
    return new HttpResponse(101, [['Connection', 'Upgrade'], ...pairs], '', { takeOver });
  }
}

const plainText: readonly HeaderPair[] = [['Content-Type', 'text/plain; charset=utf-8']];

/** What answers requests. It may throw an HttpError to answer with its status; any other error is answered with 500. */
export type Handler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;
