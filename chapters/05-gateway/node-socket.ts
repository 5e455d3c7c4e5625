/**
 * The other end of a `node:http` response: a stream that takes the bytes that Node writes and returns what they mean: a
 * head and then the parts of a body. Chapter 02's machine reads them, in its role as a client.
 *
 * A write is done when its part has been taken and the next one is asked for, so that a handler is as slow as its
 * client. It knows neither an environ nor an application.
 */

import { isIP } from 'node:net';
import { Duplex } from 'node:stream';

import { HttpConnection } from '../02-http/index.ts';
import type { HeaderPair, ReceivedEvent } from '../02-http/index.ts';

/** A handler's output is trusted: only an endless head is refused. */
const LIMITS = { bodyBytesMax: Infinity, headerBytesMax: 1024 * 1024, headerCountMax: 10_000 };

/** Called with the head, which comes once, and with any interim heads before it. */
export type OnHead = (status: number, reason: string, headers: readonly HeaderPair[]) => void;

/** The ends of the connection, as far as they are known. */
export interface SocketFacts {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number;
  readonly encrypted: boolean;
}

export class NodeSocket extends Duplex {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly remoteFamily: string | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly localFamily: string | undefined;
  readonly encrypted: boolean;
  readonly #machine = new HttpConnection({ role: 'client', limits: LIMITS });
  readonly #onHead: OnHead;
  #parts: Uint8Array[] = [];
  #written: (() => void) | null = null;
  #ended = false;
  #failure: { readonly error: unknown } | null = null;
  #wake: (() => void) | null = null;

  constructor(
    method: string,
    facts: SocketFacts,
    onHead: OnHead,
  ) {
    super();
    this.remoteAddress = facts.remoteAddress;
    this.remotePort = facts.remotePort;
    this.remoteFamily = familyOf(facts.remoteAddress);
    this.localAddress = facts.localAddress;
    this.localPort = facts.localPort;
    this.localFamily = familyOf(facts.localAddress);
    this.encrypted = facts.encrypted;
    this.#onHead = onHead;
    // These bytes go nowhere, but the machine has to know whether it reads the answer to a HEAD.
    this.#machine.send({ type: 'request', method, target: '/', headers: [['Host', 'handler']], body: '' });
    // The reader of the parts gets the error; without a listener here the process would end.
    this.on('error', () => {});
  }

  /** Whether the whole response has come. */
  get complete(): boolean {
    return this.#ended;
  }

  /** The next part, when the previous one is done with; `null` at the end. @throws what has broken the response */
  async nextPart(): Promise<Uint8Array | null> {
    for (;;) {
      const part = this.#parts.shift();
      if (part !== undefined) return part;
      this.release();
      if (this.#parts.length > 0) continue;
      if (this.#ended) return null;
      if (this.#failure !== null) throw this.#failure.error;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Whatever has been written is done with. */
  release(): void {
    const written = this.#written;
    this.#written = null;
    written?.();
  }

  /** The response breaks off here. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wakeUp();
  }

  /** The handler has written all that it has to: the end of a body that has no other. */
  finish(): void {
    if (this.#ended) return;
    this.#machine.receiveEof();
    this.#readEvents();
  }

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.#machine.receiveData(chunk);
    this.#readEvents();
    if (this.#parts.length > 0) this.#written = callback;
    else callback();
  }

  override _read(): void {}

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (!this.#ended) this.fail(error ?? new Error('the handler gave up its response'));
    callback(error);
  }

  /** As in Node: `{}` if nothing is known. */
  address(): { address?: string; family?: string; port?: number } {
    const { localAddress: address, localFamily: family, localPort: port } = this;
    return address === undefined || family === undefined || port === undefined ? {} : { address, family, port };
  }

  // What handlers call on sockets: timeouts and TCP options belong to the server's connection.
  setTimeout(): this { return this; }
  setNoDelay(): this { return this; }
  setKeepAlive(): this { return this; }
  ref(): this { return this; }
  unref(): this { return this; }
  destroySoon(): void { this.end(); }

  #readEvents(): void {
    try {
      while (!this.#ended && this.#take(this.#machine.nextEvent()));
    } catch (error) {
      this.fail(error);
    }
    this.#wakeUp();
  }

  #take(event: ReceivedEvent): boolean {
    if (event.type === 'response' || event.type === 'informational') {
      this.#onHead(event.status, event.reason, event.headers.pairs());
    } else if (event.type === 'data') this.#parts.push(event.data);
    else if (event.type === 'end') this.#ended = true;
    else return false;
    return true;
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}

function familyOf(address: string | undefined): string | undefined {
  const version = address === undefined ? 0 : isIP(address);
  return version === 0 ? undefined : `IPv${version}`;
}
