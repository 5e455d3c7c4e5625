/**
 * A client's connection: the driver between a socket and an HttpConnection.
 *
 * `run` is the loop: read a request, call the handler, write its response, begin again. One request is in flight at a
 * time; what arrives after it is kept, and reading pauses when that grows too large. What bytes mean is the machine's
 * business, not ours.
 */

import type { Socket } from 'node:net';
import { Readable } from 'node:stream';

import { startDeadline } from '../01-echo/index.ts';
import { HttpConnection } from './connection.ts';
import { HttpError, LocalProtocolError, RemoteProtocolError } from './errors.ts';
import type { RequestEvent } from './events.ts';
import { persists } from './head.ts';
import { type HeaderPair, HttpHeaders, listHas } from './headers.ts';
import { type BodyIterable, HttpRequest, HttpResponse, isOurFault, refusal } from './message.ts';
import type { RequestSource, ServerContext } from './message.ts';
import { mayHaveBody, toBytes, type WireData } from './writer.ts';

/** A response leaves in pieces of this size, and each has the whole of `sendMs`: slow clients get large bodies, too. */
const PIECE_BYTES = 256 * 1024;

/** No answer will reach it, so nobody is told but a handler that reads. */
const gone = (): RemoteProtocolError => new RemoteProtocolError(400, 'the client has gone');

/** Made for a socket that has just been accepted, and allows half-open connections. */
export class ServerConnection implements RequestSource {
  readonly socket: Socket;
  readonly #context: ServerContext;
  readonly #machine: HttpConnection;
  /** The request in flight. */
  #request: HttpRequest | null = null;
  /** The body that is being sent, until it is closed. */
  #body: BodyIterable | null = null;
  #handedOver = false;
  /** The client is not sending: it has had its answer and waits, or it will send nothing more. */
  #isQuiet = false;
  /** Has a connection that is waiting for something look again. */
  wake: () => void = ignore;

  constructor(socket: Socket, context: ServerContext) {
    this.socket = socket;
    this.#context = context;
    this.#machine = new HttpConnection({ role: 'server', limits: context.limits });
    // There is nothing to do about a socket's error, since `close` follows it.
    socket.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose).on('error', ignore);
    // Nagle's algorithm would hold a small part of a response back for the client's ACK.
    socket.setNoDelay(true);
  }

  get heldBytesMax(): number { return this.#context.limits.heldBytesMax; }

  // ── the loop ──

  /** Serves requests until the connection ends. */
  async run(): Promise<void> {
    try {
      while (await this.#exchange());
    } catch (error) {
      if (isOurFault(error)) this.#report(error);
    }
    if (!this.#handedOver) this.#end();
  }

  /** One request and its response. False when no other can follow. */
  async #exchange(): Promise<boolean> {
    try {
      const head = await this.#nextHead();
      if (head === null) return false;
      // The end of a body that is not there comes with the head.
      if (head.framing.kind === 'none') this.#machine.nextEvent();
      this.#request = new HttpRequest(head, this);
      // RFC 9110 §7.4: what is asked for by https MUST NOT be served over a connection that is not secured.
      const isForHttps = head.form === 'absolute' && /^https/i.test(head.target);
      if (isForHttps && this.#request.scheme === 'http') throw new HttpError(421);
      await this.#send(await this.#context.handler(this.#request));
    } catch (error) {
      await this.#refuse(error);
    }
    // RFC 9112 §9.6: a client that has asked for the close sends nothing more. Any other may be sending right now.
    const { ourState, theirState, bufferedBytes } = this.#machine;
    this.#isQuiet = this.#request !== null && !persists(this.#request) && theirState === 'done' && bufferedBytes === 0;
    this.#request = null;
    // A handler that still waits for the body is told that it can no longer be read.
    this.wake();
    return !this.#handedOver && ourState !== 'must-close' && !this.#context.idleEnds;
  }

  /** Waits for a head, and drops what a handler has left unread of the last body. Null when no head will follow. */
  async #nextHead(): Promise<RequestEvent | null> {
    const { limits, timeouts } = this.#context;
    let drainedBytes = 0;
    let headUntilMs = Infinity;
    const drainUntilMs = performance.now() + timeouts.bodyMs;
    for (;;) {
      const event = this.#machine.nextEvent();
      const { headBegun, theirState } = this.#machine;
      const isIdle = theirState === 'idle' && !headBegun;
      this.#isQuiet = isIdle || theirState === 'closed';
      if (event.type === 'request') return event;
      if (event.type === 'data') drainedBytes += event.data.length;
      if (event.type === 'closed' || drainedBytes > limits.drainedBytesMax) return null;
      if (event.type !== 'need-more-data') continue;
      if (isIdle && this.#context.idleEnds) return null;
      // The time is for a whole head, and for all that is left of a body: a byte now and then gains a client nothing.
      const nowMs = performance.now();
      headUntilMs = headBegun ? Math.min(headUntilMs, nowMs + timeouts.headerMs) : Infinity;
      const leftMs = headBegun ? headUntilMs - nowMs : isIdle ? timeouts.idleMs : drainUntilMs - nowMs;
      if (await this.#arrival(leftMs)) continue;
      if (!headBegun) return null;
      this.#machine.refuse(new RemoteProtocolError(408, 'the head took too long'));
    }
  }

  /**
   * The one place where errors become actions: an answer, if there can still be one, else the end of the connection.
   */
  async #refuse(error: unknown): Promise<void> {
    const { ourState } = this.#machine;
    // If the response has begun and never ends properly, the client knows that something is missing.
    if (this.socket.destroyed || (ourState !== 'idle' && ourState !== 'send-response')) throw error;
    if (isOurFault(error)) this.#report(error);
    // An HttpError may have fields that cannot be sent. A 500 has none.
    await this.#send(refusal(error, this.#context.refusalHeaders)).catch((again: unknown) => this.#refuse(again));
  }

  // ── input ──

  readonly #onData = (bytes: Buffer): void => {
    this.#machine.receiveData(bytes);
    // We read no more than we are willing to keep: the kernel's buffer fills, and the client's writes stall.
    if (this.#machine.bufferedBytes > this.#context.limits.pipelinedBytesMax) this.socket.pause();
    this.wake();
  };

  readonly #onEnd = (): void => {
    if (this.#request !== null && this.#context.abortOnHalfClose) this.socket.destroy();
    this.#machine.receiveEof();
    this.wake();
  };

  readonly #onClose = (): void => {
    this.wake();
    this.#request?.abort();
    // A body that is waiting for something is told that nobody waits for it.
    this.#closeBody().catch((error: unknown) => this.#report(error));
  };

  /** Waits until something has arrived. False when it has taken too long. @throws when the client has gone */
  async #arrival(ms: number): Promise<boolean> {
    if (this.socket.destroyed) throw gone();
    this.socket.resume();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const deadline = startDeadline(() => resolve(false), ms);
    this.wake = () => resolve(true);
    const inTime = await promise;
    deadline.clear();
    if (this.socket.destroyed) throw gone();
    return inTime;
  }

  async readBody(request: HttpRequest): Promise<Buffer | HttpHeaders> {
    const machine = this.#machine;
    for (;;) {
      if (this.#request !== request) throw new LocalProtocolError('the body was read after the response was complete');
      // There is no body, or no more of it: what comes next belongs to another request.
      if (machine.theirState !== 'body' && machine.theirState !== 'error') return new HttpHeaders();
      const event = machine.nextEvent();
      if (event.type === 'data') return event.data;
      if (event.type === 'end') return event.trailers;
      // RFC 9110 §10.1.1: the client is told to go on only when the handler wants its body.
      if (machine.awaitsContinue && machine.ourState === 'send-response') this.sendInformational(request, 100, []);
      const inTime = await this.#arrival(this.#context.timeouts.bodyMs);
      if (!inTime && this.#request === request) machine.refuse(new RemoteProtocolError(408, 'the body took too long'));
    }
  }

  // ── output ──

  sendInformational(request: HttpRequest, status: number, headers: readonly HeaderPair[]): void {
    if (this.#request !== request) throw new LocalProtocolError('an interim response after the final one');
    this.socket.write(this.#machine.send({ type: 'informational', status, headers }), 'latin1');
  }

  async #send(response: unknown): Promise<void> {
    if (!(response instanceof HttpResponse)) throw new LocalProtocolError('the handler did not return an HttpResponse');
    const { status, reason, headers, body, trailers } = response;
    if (response.takeOver !== undefined) return await this.#handOver(response);
    const head = { type: 'response', status, reason, headers, close: this.#context.closing } as const;
    const isWhole = typeof body === 'string' || body instanceof Uint8Array;
    const promised = headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1];
    if (isWhole && (promised === undefined || Number(promised) === Buffer.byteLength(body))) {
      return await this.#write(this.#machine.send({ ...head, body }));
    }
    const parts: BodyIterable = isWhole ? [body] : body;
    this.#body = parts;
    // A stream of Node's may fail before anyone reads it. Reading it will throw the error; nothing else may.
    if (parts instanceof Readable) parts.on('error', ignore);
    try {
      await this.#write(this.#machine.send(head));
      if (mayHaveBody(status, this.#request?.method ?? 'GET')) await this.#sendParts(parts);
    } finally {
      await this.#closeBody();
    }
    await this.#write(this.#machine.send({ type: 'end', trailers: trailers?.() ?? [] }));
  }

  /**
   * Sends each part when the one before it has gone, and no more than was promised. `for await` ends the iterator,
   * whatever happens.
   */
  async #sendParts(parts: BodyIterable): Promise<void> {
    for await (const part of parts) {
      const [bytes, left] = [toBytes(part), this.#machine.bodyBytesToSend];
      await this.#write(this.#machine.send({ type: 'data', data: bytes.subarray(0, left) }));
      if (bytes.length > left) return this.#report(new LocalProtocolError('a body beyond its Content-Length was cut'));
      // Parts that are ready at once must not keep other connections waiting.
      await new Promise(setImmediate);
    }
  }

  async #closeBody(): Promise<void> {
    const body = this.#body;
    this.#body = null;
    await body?.close?.();
    // A stream of Node's that nobody has begun to read does not end by itself.
    if (body instanceof Readable) body.destroy();
  }

  /** Resolves when the kernel has taken everything (backpressure). @throws when the client has gone */
  async #write(wire: WireData): Promise<void> {
    const bytes = typeof wire === 'string' ? Buffer.from(wire, 'latin1') : wire;
    for (let at = 0; at < bytes.length && !this.socket.destroyed; at += PIECE_BYTES) {
      const deadline = startDeadline(() => this.socket.destroy(), this.#context.timeouts.sendMs);
      await new Promise<void>((resolve) => this.socket.write(bytes.subarray(at, at + PIECE_BYTES), () => resolve()));
      deadline.clear();
    }
    if (this.socket.destroyed) throw gone();
  }

  /** 101: the connection leaves this server's hands. */
  async #handOver({ headers, takeOver }: HttpResponse): Promise<void> {
    // RFC 9110 §7.8: a server MUST NOT switch to a protocol that the client did not ask for.
    const asked = this.#request?.headers;
    const isAskedFor = asked?.has('upgrade') === true && listHas(asked.get('connection'), 'upgrade');
    if (!isAskedFor) throw new LocalProtocolError('101 to a client that did not ask for it');
    await this.#write(this.#machine.send({ type: 'informational', status: 101, headers }));
    this.#handedOver = true;
    this.socket.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose).off('error', ignore);
    this.socket.resume();
    try {
      takeOver?.(this.socket, this.#machine.takeInput());
    } catch (error) {
      this.#report(error);
      this.socket.destroy();
    }
  }

  /**
   * Ends our side. If the client may be sending, we go on reading for a while (RFC 9112 §9.6): a socket that is closed
   * with unread input answers with RST, which can destroy the response on its way.
   */
  #end(): void {
    if (this.#isQuiet || this.socket.destroyed) return this.socket.destroySoon();
    const deadline = startDeadline(() => this.socket.destroy(), this.#context.timeouts.lingerMs);
    // What still arrives is dropped.
    this.socket.once('close', () => deadline.clear()).off('data', this.#onData).resume().end();
  }

  #report(error: unknown): void { this.#context.onError(error, this.#request); }
}

function ignore(): void {}
