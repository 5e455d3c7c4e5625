/**
 * How long a client may take: to send a body, to take a response, and for a request from its head to its end.
 *
 * A limit for each silence is not enough, since a client can send a byte before each of them ends. What counts is the rate,
 * and the time in all.
 */

import type { Socket } from 'node:net';

import { startDeadline } from '../01-echo/index.ts';
import { HttpError, RemoteProtocolError } from '../02-http/index.ts';
import type { AsyncApp, Receive, ReceivedEvent } from '../06-websocket/index.ts';
import type { Settings } from './settings.ts';

export interface PatienceOptions {
  /** 0 for no rate: then patience has no end. */
  readonly bytesPerSecondMin: number;
  /** How far a client may be behind that rate, in milliseconds. It cannot be ahead of it: what it did before is past. */
  readonly slackMs: number;
}

/**
 * How much longer we wait for a client that sends, or takes, bytes: waiting costs time, and each byte gives some of it back.
 *
 * It has no clock, and does not know what it waits for.
 */
export class Patience {
  readonly #slackMs: number;
  readonly #msPerByte: number;
  #leftMs: number;

  constructor({ bytesPerSecondMin, slackMs }: PatienceOptions) {
    this.#slackMs = bytesPerSecondMin === 0 ? Infinity : slackMs;
    this.#msPerByte = bytesPerSecondMin === 0 ? 0 : 1000 / bytesPerSecondMin;
    this.#leftMs = this.#slackMs;
  }

  /** In milliseconds; not above 0 for a client that is too slow. */
  get leftMs(): number {
    return this.#leftMs;
  }

  /** We have waited so long, and then these bytes had moved. @returns what is left */
  after(waitedMs: number, bytes: number): number {
    this.#leftMs = Math.min(this.#slackMs, this.#leftMs - waitedMs + bytes * this.#msPerByte);
    return this.#leftMs;
  }
}

/** Limits a request in time: its body by a rate, and all of it. The client gets 408, or 503 if it was not the client's fault. */
export function withTimes(app: AsyncApp, settings: Settings): AsyncApp {
  return async (scope, receive, send) => {
    if (scope.type !== 'http') return await app(scope, receive, send);
    const body = new TimedBody(receive, settings);
    if (settings.requestMs === 0) return await app(scope, body.receive, send);
    const late = Promise.withResolvers<never>();
    const over = new AbortController();
    const deadline = startDeadline(() => {
      late.reject(body.isAwaited ? new RemoteProtocolError(408, 'the request took too long') : new HttpError(503, 'the answer took too long'));
      over.abort();
    }, settings.requestMs);
    try {
      await Promise.race([app({ ...scope, signal: AbortSignal.any([scope.signal, over.signal]) }, body.receive, send), late.promise]);
    } finally {
      deadline.clear();
    }
  };
}

/** The body of a request, for which an application waits only as long as it keeps coming. */
class TimedBody {
  readonly #receive: Receive;
  readonly #patience: Patience;
  #hasEnded = false;
  #error: RemoteProtocolError | null = null;
  /** Whether the application waits for the client to send more of it. */
  isAwaited = false;

  constructor(receive: Receive, { bodyBytesPerSecondMin: bytesPerSecondMin, bodyMs: slackMs }: Settings) {
    this.#receive = receive;
    this.#patience = new Patience({ bytesPerSecondMin, slackMs });
  }

  /** @throws RemoteProtocolError 408 for a client that is too slow, then and ever after */
  readonly receive = async (): Promise<ReceivedEvent> => {
    if (this.#error !== null) throw this.#error;
    // After the body there is only the client's leave to wait for.
    if (this.#hasEnded) return await this.#receive();
    const late = Promise.withResolvers<never>();
    const fail = (): void => late.reject((this.#error = new RemoteProtocolError(408, 'the body comes too slowly')));
    const deadline = startDeadline(fail, this.#patience.leftMs);
    // An application that takes its time does not cost the client any.
    const startedMs = performance.now();
    this.isAwaited = true;
    try {
      const event = await Promise.race([this.#receive(), late.promise]);
      if (event.type !== 'http.request') return event;
      this.#patience.after(performance.now() - startedMs, event.body.length);
      this.#hasEnded = !event.moreBody;
      return event;
    } finally {
      this.isAwaited = false;
      deadline.clear();
    }
  };
}

/** How often clients are looked at, in milliseconds, and in each slack. */
const LOOK_MS_MAX = 1000;
const LOOKS_PER_SLACK = 10;

interface Reader {
  readonly patience: Patience;
  /** What the kernel has taken for it. */
  takenBytes: number;
  isWaiting: boolean;
}

/** Finds the clients that take what they are sent too slowly. One timer looks at all of them. */
export class SlowReaders {
  readonly #options: PatienceOptions;
  readonly #onSlow: (socket: Socket) => void;
  readonly #lookMs: number;
  readonly #readers = new Map<Socket, Reader>();
  #timer: NodeJS.Timeout | null = null;
  #lookedMs = 0;

  /** @param onSlow gets the socket of a client that is too slow, and must destroy it */
  constructor(options: PatienceOptions, onSlow: (socket: Socket) => void) {
    this.#options = options;
    this.#onSlow = onSlow;
    this.#lookMs = Math.min(LOOK_MS_MAX, options.slackMs / LOOKS_PER_SLACK);
  }

  /** Watches a connection until it is closed. */
  add(socket: Socket): void {
    if (this.#options.bytesPerSecondMin === 0) return;
    this.#readers.set(socket, { patience: new Patience(this.#options), takenBytes: 0, isWaiting: false });
    socket.once('close', () => this.#delete(socket));
    if (this.#timer !== null) return;
    this.#lookedMs = performance.now();
    this.#timer = setInterval(() => this.#look(), this.#lookMs).unref();
  }

  #delete(socket: Socket): void {
    this.#readers.delete(socket);
    if (this.#readers.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    const nowMs = performance.now();
    // If we have stood still ourselves, we could not see what the clients did.
    const passedMs = Math.min(nowMs - this.#lookedMs, 2 * this.#lookMs);
    this.#lookedMs = nowMs;
    for (const [socket, reader] of this.#readers) {
      const takenBytes = socket.bytesWritten - socket.writableLength;
      const wasWaiting = reader.isWaiting;
      reader.isWaiting = socket.writableLength > 0;
      // A client that has taken everything waits for us.
      const leftMs = reader.patience.after(wasWaiting && reader.isWaiting ? passedMs : 0, takenBytes - reader.takenBytes);
      reader.takenBytes = takenBytes;
      if (leftMs > 0) continue;
      this.#delete(socket);
      this.#onSlow(socket);
    }
  }
}
