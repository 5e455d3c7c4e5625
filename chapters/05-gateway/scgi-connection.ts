/**
 * A connection of SCGI, which is one request: its head and body as they come, its answer as it is taken.
 *
 * It knows sockets and their limits, and nothing about applications.
 */

import { once } from 'node:events';
import type { Socket } from 'node:net';

import { socketTimeoutMs, startDeadline } from '../01-echo/index.ts';
import { LocalProtocolError, RemoteProtocolError, mayHaveBody } from '../02-http/index.ts';
import type { HeaderPair } from '../02-http/index.ts';
import { fieldValue } from './response-head.ts';
import { parseScgiHead } from './scgi-head.ts';
import type { ScgiHead } from './scgi-head.ts';

export interface ScgiLimits {
  /** The variables of a request. Default 64 KiB. */
  readonly headBytesMax: number;
  /** How long the head may take, in milliseconds. Default 10,000. */
  readonly headMs: number;
  /** How long a body may make no progress, in either direction, in milliseconds. Default 30,000. */
  readonly idleMs: number;
}

export interface ScgiResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly HeaderPair[];
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
}

export class ScgiConnection {
  readonly #socket: Socket;
  readonly #limits: ScgiLimits;
  readonly #parts: AsyncIterator<Buffer>;

  constructor(socket: Socket, limits: ScgiLimits) {
    this.#socket = socket;
    this.#limits = { ...limits, idleMs: socketTimeoutMs(limits.idleMs) };
    this.#parts = socket.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
    // Whatever waits for the socket learns of the error there.
    socket.on('error', () => undefined).on('timeout', () => socket.destroy());
  }

  /** Reads the head; `null` if none came. @throws RemoteProtocolError for anything that is not a head */
  async readHead(): Promise<ScgiHead | null> {
    const deadline = startDeadline(() => this.#socket.destroy(), this.#limits.headMs);
    let bytes: Buffer = Buffer.alloc(0);
    try {
      for (;;) {
        const part = await this.#read();
        if (part === null) return null;
        bytes = bytes.length === 0 ? part : Buffer.concat([bytes, part]);
        const head = parseScgiHead(bytes, this.#limits.headBytesMax);
        if (head !== null) return head;
      }
    } finally {
      deadline.clear();
    }
  }

  /** The body, never more than was announced. @throws RemoteProtocolError 400 if it breaks off */
  async *body({ rest, contentLength }: ScgiHead): AsyncGenerator<Buffer, void, undefined> {
    let left = contentLength;
    for (let part: Buffer | null = rest; part !== null; part = await this.#read()) {
      const taken = part.subarray(0, left);
      left -= taken.length;
      if (taken.length > 0) yield taken;
      if (left === 0) return;
    }
    throw new RemoteProtocolError(400, 'the body breaks off');
  }

  /**
   * Sends a response, each part when the previous one has gone. It ends if the client takes too long or leaves. The
   * caller closes the body.
   *
   * @throws LocalProtocolError for a body that is not as long as its Content-Length; what was sent is cut off then
   */
  async send({ status, reason, headers, body }: ScgiResponse, method: string): Promise<void> {
    const declared = fieldValue(headers, 'content-length');
    const isWhole = body instanceof Uint8Array;
    // As a CGI script answers (RFC 3875 §6). Date and Server are added by the server that talks to the client.
    const isCounted = isWhole && declared === undefined && mayHaveBody(status, 'GET');
    const length = isCounted ? `Content-Length: ${body.length}\r\n` : '';
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const head = Buffer.from(`Status: ${status} ${reason}\r\n${lines}${length}\r\n`, 'latin1');
    if (!mayHaveBody(status, method)) {
      await this.#write(head);
    } else if (isWhole && (declared === undefined || Number(declared) === body.length)) {
      await this.#write(Buffer.concat([head, body]));
    } else {
      await this.#write(head);
      await this.#sendParts(isWhole ? [body] : body, declared === undefined ? null : Number(declared));
    }
    this.#end();
  }

  /** Closes in such a way that what was sent cannot be taken for the whole. */
  cut(): void {
    this.#socket.resetAndDestroy();
  }

  async #sendParts(
    parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    declared: number | null,
  ): Promise<void> {
    let left = declared ?? Infinity;
    for await (const part of parts) {
      await this.#write(part.subarray(0, left));
      if (part.length > left) throw new LocalProtocolError('the body is longer than its Content-Length');
      left -= part.length;
    }
    if (declared === null || left === 0) return;
    throw new LocalProtocolError(`the body is ${left} bytes shorter than its Content-Length`);
  }

  async #read(): Promise<Buffer | null> {
    this.#socket.setTimeout(this.#limits.idleMs);
    try {
      const { done, value } = await this.#parts.next();
      return done === true ? null : value;
    } catch {
      return null;
    } finally {
      this.#socket.setTimeout(0);
    }
  }

  /** Resolves when the bytes have gone to the kernel: their memory may be reused. @throws if the client has gone */
  async #write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    this.#socket.setTimeout(this.#limits.idleMs);
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error == null) resolve();
        else reject(new RemoteProtocolError(400, 'the client has gone'));
      });
    });
    this.#socket.setTimeout(0);
  }

  /** What is left of the request is discarded: with unread bytes, the kernel would send RST, which may destroy what we have sent. */
  #end(): void {
    const socket = this.#socket;
    socket.end();
    socket.setTimeout(this.#limits.idleMs);
    socket.resume();
    once(socket, 'end').then(() => socket.destroySoon()).catch(() => socket.destroy());
  }
}
