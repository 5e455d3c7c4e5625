/**
 * A client's connection: the driver between a socket and an HttpConnection.
 *
 * It reads, feeds, acts, writes, and asks whether to close. One request is in flight at a time; what arrives after it
 * is kept, and reading pauses when that grows too large. What bytes mean is the machine's business, not ours.
 *
 * Whatever happens (bytes, the end of input, a drained socket, a handler or a body that has finished) leads to `#run`.
 * It takes events from the machine until there is nothing left to act on: a request is being answered, the client
 * reads too slowly, or more input is needed. Then `#watch` sets the deadline for what the connection is waiting for.
 */

import type { Socket } from 'node:net';

import { BodyPump } from './body-pump.ts';
import type { BodySink } from './body-pump.ts';
import { HttpConnection } from './connection.ts';
import type { Expiring } from './deadlines.ts';
import { HttpError, LocalProtocolError, RemoteProtocolError } from './errors.ts';
import type { RequestEvent } from './events.ts';
import type { HeaderPair } from './headers.ts';
import { persists } from './persistence.ts';
import { isOurFault, refusal } from './refusal.ts';
import { HttpRequest } from './request.ts';
import { RequestIntake } from './request-intake.ts';
import { HttpResponse } from './response.ts';
import type { BodyIterable, BodyPart } from './response.ts';
import { isHttps } from './request-target.ts';
import { mayHaveBody } from './response-head.ts';
import type { ServerContext } from './server-context.ts';
import { SocketOutput } from './socket-output.ts';
import { listHas } from './token-list.ts';

/** What the connection is waiting for, which decides the timeout that runs. */
type Wait = 'nothing' | 'idle' | 'header' | 'body' | 'drain' | 'send' | 'linger';

export class ServerConnection implements Expiring, BodySink {
  readonly #socket: Socket;
  readonly #context: ServerContext;
  readonly #machine: HttpConnection;
  readonly #output: SocketOutput;
  readonly #intake: RequestIntake;
  /** The request in flight. */
  #request: HttpRequest | null = null;
  #pump: BodyPump | null = null;
  #running = false;
  /** Our side has ended; what still arrives is dropped. */
  #ending = false;
  #drainedBytes = 0;
  #wait: Wait = 'nothing';
  deadlineMs = Infinity;

  constructor(socket: Socket, context: ServerContext) {
    this.#socket = socket;
    this.#context = context;
    this.#machine = new HttpConnection({ role: 'server', limits: context.limits });
    this.#output = new SocketOutput(socket);
    this.#intake = new RequestIntake(socket, this.#machine, this.#output, () => this.#watch());
    socket.on('data', this.#onData).on('end', this.#onEnd).on('drain', this.#onDrain).on('close', this.#onClose);
    // There is nothing to do about a socket's error, since `close` follows it.
    socket.on('error', ignore);
    this.#watch();
  }

  // ── what the socket reports ──

  readonly #onData = (chunk: Buffer): void => {
    if (this.#ending) return;
    this.#machine.receiveData(chunk);
    if (this.#request === null) this.#run();
    else this.#intake.arrived();
    // We read no more than we are willing to keep: the kernel's buffer fills, and the client's writes stall.
    if (this.#machine.bufferedBytes > this.#context.limits.pipelinedBytesMax) this.#socket.pause();
  };

  readonly #onEnd = (): void => {
    if (this.#ending) return;
    this.#machine.receiveEof();
    if (this.#request === null) this.#run();
    else if (this.#context.abortOnHalfClose) this.#socket.destroy();
    else this.#intake.arrived();
  };

  readonly #onDrain = (): void => {
    this.#output.drained();
    this.#run();
  };

  readonly #onClose = (): void => {
    this.#context.release(this, null);
    this.#output.closed();
    this.#intake.leave();
    this.#request?.abort();
    this.#stopPump();
  };

  // ── the loop ──

  /** Acts on everything that has arrived, then writes the output of that. */
  #run(): void {
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#step());
    } catch (error) {
      this.#fail(error);
    }
    this.#running = false;
    // If a body comes in parts, its head leaves together with the first part.
    if (this.#pump === null) this.#output.flush();
    this.#watch();
  }

  /** Acts on one event; false when there is nothing to do now. */
  #step(): boolean {
    if (this.#request !== null || this.#ending || this.#output.full) return false;
    const event = this.#machine.nextEvent();
    switch (event.type) {
      case 'request':
        this.#wait = 'nothing';
        this.#begin(event);
        return true;
      case 'data':
        // A body that the handler left unread.
        this.#drainedBytes += event.data.length;
        if (this.#drainedBytes <= this.#context.limits.drainedBytesMax) return true;
        this.#end(true);
        return false;
      case 'end':
        this.#drainedBytes = 0;
        this.#wait = 'nothing';
        return true;
      case 'closed':
        this.#end(false);
        return false;
      default:
        return false;
    }
  }

  #begin(head: RequestEvent): void {
    const request = new HttpRequest(head, this.#intake);
    this.#request = request;
    if (head.framing.kind === 'none') this.#machine.nextEvent();
    try {
      // RFC 9110 §7.4: what is asked for by https MUST NOT be served over a connection that is not secured.
      if (head.form === 'absolute' && request.scheme === 'http' && isHttps(head.target)) throw new HttpError(421);
      const response: unknown = this.#context.handler(request);
      // A handler that answers at once does not pay for a promise.
      if (response instanceof HttpResponse) this.#respond(response);
      else if (isThenable(response)) this.#await(request, response);
      else this.#respond(response);
    } catch (error) {
      this.#fail(error);
    }
  }

  #await(request: HttpRequest, response: PromiseLike<unknown>): void {
    Promise.resolve(response).then(
      (value) => this.#settled(request, () => this.#respond(value), value),
      (error: unknown) => this.#settled(request, () => this.#fail(error), undefined),
    ).catch((error: unknown) => this.#broken(error));
  }

  /** A promise of the handler or of its body has settled: acts on it, unless the client has gone in the meantime. */
  #settled(request: HttpRequest, act: () => void, value: unknown): void {
    if (this.#request !== request || this.#intake.gone) {
      if (value instanceof HttpResponse && isIterable(value.body)) this.#discard(value.body);
      return;
    }
    act();
    this.#run();
  }

  // ── the response ──

  #respond(response: unknown): void {
    if (!(response instanceof HttpResponse)) {
      this.#fail(new LocalProtocolError('the handler did not return an HttpResponse'));
      return;
    }
    try {
      const { body } = response;
      if (response.takeOver !== undefined) this.#switch(response);
      else if (isIterable(body)) this.#stream(response, body, undefined);
      else if (body.length > SLICE_BYTES) this.#sendSliced(response, body);
      else this.#sendWhole(response, body);
    } catch (error) {
      if (isIterable(response.body)) this.#discard(response.body);
      this.#fail(error);
    }
  }

  /** Sends a body that is all there: with its head in one event, unless a Content-Length might contradict it. */
  #sendWhole(response: HttpResponse, body: BodyPart): void {
    const { status, reason, headers } = response;
    const close = this.#closesAfter();
    if (typeof body !== 'string' && !(body instanceof Uint8Array)) throw new LocalProtocolError('invalid body');
    const joined = typeof body === 'string' || body.length <= JOINED_BYTES_MAX;
    if (joined && !hasContentLength(headers)) {
      this.#output.write(this.#machine.send({ type: 'response', status, reason, headers, body, close }));
    } else {
      const bytes = typeof body === 'string' ? Buffer.from(body) : body;
      const bodyBytes = bytes.length;
      this.#output.write(this.#machine.send({ type: 'response', status, reason, headers, close, bodyBytes }));
      this.#sendData(bytes);
      this.#output.write(this.#machine.send({ type: 'end' }));
    }
    this.#complete();
  }

  /** A body too large for one write. Each slice has the full timeout to itself, so that slow clients get it too. */
  #sendSliced(response: HttpResponse, body: BodyPart): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    this.#stream(response, slices(bytes), bytes.length);
  }

  #stream(response: HttpResponse, body: BodyIterable, bodyBytes: number | undefined): void {
    const { status, reason, headers } = response;
    const request = this.#request!;
    const close = this.#closesAfter();
    this.#output.write(this.#machine.send({ type: 'response', status, reason, headers, close, bodyBytes }));
    const pump = new BodyPump(body);
    if (!mayHaveBody(status, request.method)) {
      pump.stop().catch((error: unknown) => this.#report(error));
      this.#endBody(response);
      return;
    }
    this.#pump = pump;
    // The parts leave as they come: Nagle's algorithm would hold the small ones back for the client's ACK.
    this.#socket.setNoDelay(true);
    this.#output.flushSoon();
    pump.run(this).then(
      () => this.#settled(request, () => this.#endBody(response), undefined),
      (error: unknown) => {
        if (this.#intake.gone && isOurFault(error)) this.#report(error);
        this.#settled(request, () => this.#fail(error), undefined);
      },
    ).catch((error: unknown) => this.#broken(error));
  }

  /** Sends a part of the body. For the pump. */
  async sendPart(part: BodyPart): Promise<boolean> {
    if (this.#intake.gone || this.#ending) return false;
    if (!this.#sendData(part)) return false;
    const sent = this.#output.sent();
    if (sent === true) return true;
    this.#watch();
    const ok = await sent;
    this.#watch();
    return ok;
  }

  /** Sends data, cut at the promised length; false when it was cut. */
  #sendData(part: BodyPart): boolean {
    if (typeof part !== 'string' && !(part instanceof Uint8Array)) throw new LocalProtocolError('invalid body part');
    const left = this.#machine.bodyBytesToSend;
    let data = part;
    let cut = false;
    if (left !== Infinity) {
      data = typeof part === 'string' ? Buffer.from(part) : part;
      cut = data.length > left;
      if (cut) {
        this.#report(new LocalProtocolError('the body is longer than its Content-Length; it was cut'));
        data = data.subarray(0, left);
      }
    }
    this.#output.write(this.#machine.send({ type: 'data', data }));
    return !cut;
  }

  #endBody(response: HttpResponse): void {
    try {
      this.#output.write(this.#machine.send({ type: 'end', trailers: response.trailers?.() ?? [] }));
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#complete();
  }

  /** The response is complete. */
  #complete(): void {
    const request = this.#request;
    this.#request = null;
    this.#pump = null;
    request?.finish();
    this.#intake.reset();
    if (this.#machine.ourState === 'must-close' || this.#context.idleEnds) {
      // RFC 9112 §9.6: a client that asked for the close MUST NOT send more. Any other may be sending right now.
      const expected = request !== null && !persists(request) && this.#machine.theirState === 'done';
      this.#end(!expected || this.#machine.bufferedBytes > 0);
    }
  }

  /** Whether this response must be the connection's last. */
  #closesAfter(): boolean {
    if (this.#context.closing || this.#intake.failed) return true;
    const bytes = this.#machine.bodyBytesToReceive;
    return bytes !== Infinity && bytes > this.#context.limits.drainedBytesMax;
  }

  /** 101: the connection leaves this server's hands. */
  #switch(response: HttpResponse): void {
    const { headers } = this.#request!;
    if (!headers.has('upgrade') || !listHas(headers.get('connection'), 'upgrade')) {
      throw new LocalProtocolError('101 to a client that did not ask for it');
    }
    this.#output.write(this.#machine.send({ type: 'informational', status: 101, headers: response.headers }));
    this.#output.flush();
    const socket = this.#socket;
    socket.off('data', this.#onData).off('end', this.#onEnd).off('drain', this.#onDrain).off('close', this.#onClose);
    socket.off('error', ignore);
    this.#ending = true;
    this.#request?.finish();
    this.#request = null;
    this.#intake.reset();
    this.deadlineMs = Infinity;
    this.#context.release(this, this.#socket);
    try {
      response.takeOver!(socket, this.#machine.takeInput());
    } catch (error) {
      this.#report(error);
      socket.destroy();
    }
  }

  // ── what goes wrong ──

  /** The one place where errors become actions: an answer, if there can still be one, else the end of the connection. */
  #fail(error: unknown): void {
    if (isOurFault(error)) this.#report(error);
    if (this.#ending || this.#intake.gone) return;
    const { ourState } = this.#machine;
    if (ourState === 'idle' || ourState === 'send-response') {
      this.#respond(withFields(refusal(error), this.#context.refusalHeaders));
      return;
    }
    // The response has begun. If it never ends properly, the client knows that something is missing.
    this.#stopPump();
    this.#request?.finish();
    this.#request = null;
    this.#end(true);
  }

  #report(error: unknown): void {
    this.#context.onError(error, this.#request);
  }

  /** For promises that nobody awaits: a fault of ours ends this connection, but not the process or another one. */
  #broken(error: unknown): void {
    this.#socket.destroy();
    this.#report(error);
  }

  #discard(body: BodyIterable): void {
    new BodyPump(body).stop().catch((error: unknown) => this.#report(error));
  }

  #stopPump(): void {
    const pump = this.#pump;
    this.#pump = null;
    pump?.stop().catch((error: unknown) => this.#report(error));
  }

  /**
   * Ends our side.
   *
   * @param linger go on reading, and drop what comes, until the client ends its side (RFC 9112 §9.6): a socket that is
   *   closed with unread input answers with RST, which can destroy the reply on its way
   */
  #end(linger: boolean): void {
    if (this.#ending) return;
    this.#output.flush();
    this.#ending = true;
    // The kernel sends what it has taken, and then a FIN. TLS has a goodbye of its own to say first.
    if (!linger && this.#socket.writableLength === 0 && this.#intake.scheme === 'http') {
      this.#socket.destroy();
      return;
    }
    this.#wait = 'send';
    this.deadlineMs = this.#context.deadlines.after(this.#context.timeouts.sendMs);
    if (linger) this.#endAndLinger();
    else this.#socket.destroySoon();
  }

  #endAndLinger(): void {
    const wait = (): void => {
      this.#wait = 'linger';
      this.deadlineMs = this.#context.deadlines.after(this.#context.timeouts.lingerMs);
    };
    // What is still to be sent has a timeout of its own; we wait for the client's last word only after that.
    if (this.#socket.writableLength > 0) this.#socket.end(wait);
    else this.#socket.end();
    if (this.#socket.writableLength === 0) wait();
    this.#socket.resume();
  }

  // ── deadlines ──

  /** Starts the clock for what the connection is waiting for now. */
  #watch(): void {
    if (this.#ending || this.#intake.gone) return;
    const { deadlines, timeouts } = this.#context;
    const wait = this.#waitingFor();
    // The timeout is for the whole head, and for all of a body that nobody reads: a client gains nothing by sending a byte
    // now and then.
    if ((wait === 'header' || wait === 'drain') && this.#wait === wait) return;
    this.#wait = wait;
    switch (wait) {
      case 'idle':
        this.deadlineMs = deadlines.after(timeouts.idleMs);
        break;
      case 'header':
        this.deadlineMs = deadlines.after(timeouts.headerMs);
        break;
      case 'body':
      case 'drain':
        this.deadlineMs = deadlines.after(timeouts.bodyMs);
        break;
      case 'send':
        this.deadlineMs = deadlines.after(timeouts.sendMs);
        break;
      default:
        this.deadlineMs = Infinity;
    }
    if (wait !== 'nothing' && wait !== 'send' && this.#socket.isPaused()) this.#socket.resume();
  }

  #waitingFor(): Wait {
    if (this.#output.full || this.#output.waiting) return 'send';
    if (this.#intake.waiting) return 'body';
    if (this.#request !== null) return 'nothing';
    if (this.#machine.theirState === 'body') return 'drain';
    return this.#machine.headBegun ? 'header' : 'idle';
  }

  /** The deadline has passed. */
  expire(): void {
    this.deadlineMs = Infinity;
    switch (this.#wait) {
      case 'header':
        this.#fail(new RemoteProtocolError(408, 'the head took too long'));
        this.#output.flush();
        break;
      case 'body':
        this.#intake.fail(new RemoteProtocolError(408, 'the body took too long'));
        break;
      case 'drain':
        this.#end(true);
        break;
      default:
        this.#socket.destroy();
    }
  }

  /** The server is closing: ends the connection if it is between two requests. */
  endIfIdle(): void {
    if (this.#request === null && this.#machine.theirState === 'idle' && !this.#machine.headBegun) {
      this.#end(false);
    }
  }

  /** Cuts the connection, whatever it is doing. */
  destroy(): void {
    this.#socket.destroy();
  }
}

/** Bodies of bytes up to this size are joined to their head; copying a larger one costs more than a second buffer. */
const JOINED_BYTES_MAX = 8 * 1024;

const SLICE_BYTES = 256 * 1024;

function* slices(body: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += SLICE_BYTES) yield body.subarray(at, at + SLICE_BYTES);
}

function ignore(): void {}

/** The response with further fields, but for those that it has already. */
function withFields(response: HttpResponse, fields: readonly HeaderPair[]): HttpResponse {
  if (fields.length === 0) return response;
  const own = new Set(response.headers.map(([name]) => name.toLowerCase()));
  const others = fields.filter(([name]) => !own.has(name.toLowerCase()));
  return new HttpResponse(response.status, [...response.headers, ...others], response.body, response);
}

function hasContentLength(headers: readonly HeaderPair[]): boolean {
  for (const header of headers) {
    if (header[0].length === 14 && header[0].toLowerCase() === 'content-length') return true;
  }
  return false;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function isIterable(body: unknown): body is BodyIterable {
  if (typeof body !== 'object' || body === null || body instanceof Uint8Array) return false;
  return Symbol.asyncIterator in body || Symbol.iterator in body;
}
