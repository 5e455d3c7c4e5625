/**
 * A request, as a handler sees it. Everything beyond the head is made when it is asked for.
 */

import type { RequestEvent } from './events.ts';
import type { HeaderPair, HttpHeaders } from './headers.ts';
import { RequestBody } from './request-body.ts';
import type { BodySource } from './request-body.ts';
import type { HttpVersion } from './request-line.ts';
import { targetAuthority, targetPathAndQuery } from './request-target.ts';
import type { TargetForm } from './request-target.ts';

/** The connection that a request came in on. */
export interface RequestSource extends BodySource {
  readonly scheme: 'http' | 'https';
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly heldBytesMax: number;
  /** Whether the client has gone: nothing that is sent will arrive. */
  readonly gone: boolean;
  sendInformational(status: number, headers: readonly HeaderPair[]): void;
}

export class HttpRequest {
  readonly #head: RequestEvent;
  readonly #source: RequestSource;
  #body: RequestBody | null = null;
  #controller: AbortController | null = null;
  #finished = false;
  #pathAndQuery: string | null = null;

  constructor(head: RequestEvent, source: RequestSource) {
    this.#head = head;
    this.#source = source;
  }

  /** Case-sensitive; any token. */
  get method(): string {
    return this.#head.method;
  }

  /** The request target as it was sent. */
  get target(): string {
    return this.#head.target;
  }

  /** The form of the target: `origin`, `absolute` or `asterisk`. */
  get form(): TargetForm {
    return this.#head.form;
  }

  get httpVersion(): HttpVersion {
    return this.#head.httpVersion;
  }

  get headers(): HttpHeaders {
    return this.#head.headers;
  }

  /** The path as sent, percent-encoding and all; `*` for `OPTIONS *`. */
  get path(): string {
    const pathAndQuery = this.#targetOfOrigin();
    const queryStart = pathAndQuery.indexOf('?');
    return queryStart === -1 ? pathAndQuery : pathAndQuery.substring(0, queryStart);
  }

  /** What follows the first `?` of the target, as sent; `''` without one. */
  get query(): string {
    const pathAndQuery = this.#targetOfOrigin();
    const queryStart = pathAndQuery.indexOf('?');
    return queryStart === -1 ? '' : pathAndQuery.substring(queryStart + 1);
  }

  /**
   * The host and port that the request is for: from an absolute-form target, else from Host; `''` if neither has one.
   * RFC 9112 §3.2.2: with an absolute-form the Host field MUST be ignored.
   */
  get authority(): string {
    return this.form === 'absolute' ? targetAuthority(this.target) : (this.headers.get('host') ?? '');
  }

  get scheme(): 'http' | 'https' {
    return this.#source.scheme;
  }

  get remoteAddress(): string | undefined {
    return this.#source.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#source.remotePort;
  }

  get localAddress(): string | undefined {
    return this.#source.localAddress;
  }

  get localPort(): number | undefined {
    return this.#source.localPort;
  }

  /** Whether there is a body to read: also false for `Content-Length: 0`. */
  get hasBody(): boolean {
    return this.#head.framing.kind !== 'none';
  }

  /** The length of the body if it was announced: 0 without a body, `undefined` for a chunked one. */
  get contentLength(): number | undefined {
    const { framing } = this.#head;
    if (framing.kind === 'none') return 0;
    return framing.kind === 'length' ? framing.length : undefined;
  }

  /** The body, part by part. A client that expects it is sent 100 Continue when the first part is asked for. */
  get body(): RequestBody {
    if (this.#body === null) {
      this.#body = new RequestBody(this.#source, this.#source.heldBytesMax);
      if (this.#finished) this.#body.detach();
    }
    return this.#body;
  }

  /** The whole body. @throws RemoteProtocolError as {@link RequestBody.bytes} */
  bytes(bytesMax?: number): Promise<Buffer> {
    return this.body.bytes(bytesMax);
  }

  /** The whole body as UTF-8 text. @throws RemoteProtocolError as {@link RequestBody.bytes} */
  text(bytesMax?: number): Promise<string> {
    return this.body.text(bytesMax);
  }

  /** Trailer fields, once the body has been read to its end. */
  get trailers(): HttpHeaders {
    return this.body.trailers;
  }

  /** Aborts if the client leaves before its response is complete. Made when it is first asked for. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#source.gone) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Sends an interim response, such as 103 with Link fields. Dropped for an HTTP/1.0 client. */
  sendInformational(status: number, headers: readonly HeaderPair[] = []): void {
    this.#source.sendInformational(status, headers);
  }

  /** The response is complete: the body can no longer be read. For the server. @internal */
  finish(): void {
    this.#finished = true;
    this.#body?.detach();
  }

  /** Tells anyone who listens that the client has gone. For the server. @internal */
  abort(): void {
    this.#controller?.abort();
  }

  #targetOfOrigin(): string {
    return (this.#pathAndQuery ??= targetPathAndQuery(this.target, this.form));
  }
}
