/**
 * Sends server-sent events as an application's response, with heartbeats, until its client goes or its server stops.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { startDeadline } from '../01-echo/index.ts';
import type { Send } from './async-app.ts';
import { defaultHeartbeatMs, encodeEvent, eventStreamHeaders, heartbeat } from './event-stream.ts';
import type { StreamEvent } from './event-stream.ts';
import type { HttpSendEvent } from './http-events.ts';
import type { HttpScope } from './scopes.ts';

export interface EventSourceOptions {
  /** How often a silent stream says something, in milliseconds. Default {@link defaultHeartbeatMs}. */
  readonly heartbeatMs?: number;
  /** Events that may wait for a slow client. If more do, its stream ends, and it reconnects by itself. Default 256. */
  readonly waitingMax?: number;
  /** How long clients wait before they reconnect, in milliseconds. By default it is up to them: mostly three seconds. */
  readonly retryMs?: number;
}

/** The events for one client: code that has an event calls {@link EventSourceSender.push}. */
export class EventSourceSender {
  readonly #waitingMax: number;
  readonly #heartbeatMs: number;
  readonly #retryMs: number | undefined;
  readonly #waiting: Uint8Array[] = [];
  #wake: (() => void) | null = null;
  #ended = false;

  constructor({ heartbeatMs = defaultHeartbeatMs, waitingMax = 256, retryMs }: EventSourceOptions = {}) {
    this.#heartbeatMs = heartbeatMs;
    this.#waitingMax = waitingMax;
    this.#retryMs = retryMs;
  }

  /**
   * Sends an event, or bytes that {@link encodeEvent} made for many clients. False when the stream has ended; what was
   * accepted before that is still sent, unless the client goes.
   */
  push(event: StreamEvent | Uint8Array): boolean {
    // TODO 6.6  Do what the comment above says. When more than `#waitingMax` events wait, the stream ends. `run` sends
    //           what is in `#waiting` as soon as it is woken (`#rouse`). Once the stream has ended, accept nothing more.
    throw new NotImplemented('6.6');
  }

  /** Ends the stream: the client will reconnect, unless its page has closed the stream. */
  end(): void {
    this.#ended = true;
    this.#rouse();
  }

  /** Sends what is pushed until the stream ends. @throws DisconnectError when the client has gone */
  async run(scope: HttpScope, send: Send<HttpSendEvent>): Promise<void> {
    const stop = (): void => this.end();
    scope.signal.addEventListener('abort', stop, { once: true });
    scope.stopping.addEventListener('abort', stop, { once: true });
    if (scope.signal.aborted || scope.stopping.aborted) this.end();
    try {
      await send({ type: 'http.response.start', status: 200, headers: eventStreamHeaders });
      // The answer to HEAD is complete with its head: there is nobody to read an event.
      if (scope.method === 'HEAD') return await send({ type: 'http.response.body' });
      // The head leaves now, whether there is an event or not, so that the page knows it is connected.
      await send({ type: 'http.response.body', body: this.#greeting(), moreBody: true });
      while (!this.#ended) {
        if (this.#waiting.length === 0 && !await this.#somethingCame()) this.#waiting.push(heartbeat);
        const parts = this.#waiting.splice(0);
        if (parts.length > 0) await send({ type: 'http.response.body', body: joined(parts), moreBody: true });
      }
      // Events that were accepted while others were being sent, just before the end. The one that was too many was not
      // accepted.
      for (const part of this.#waiting.splice(0, this.#waitingMax)) {
        await send({ type: 'http.response.body', body: part, moreBody: true });
      }
      await send({ type: 'http.response.body' });
    } finally {
      this.#ended = true;
      this.#waiting.length = 0;
      scope.signal.removeEventListener('abort', stop);
      scope.stopping.removeEventListener('abort', stop);
    }
  }

  /** `retry` alone is not an event: the client notes it, and its listeners hear nothing. */
  #greeting(): Buffer {
    return this.#retryMs === undefined ? heartbeat : Buffer.from(`retry: ${this.#retryMs}\n\n`);
  }

  /** Waits for an event or the end; false when it is time for a heartbeat. */
  #somethingCame(): Promise<boolean> {
    return new Promise((resolve) => {
      const deadline = startDeadline(() => {
        this.#wake = null;
        resolve(false);
      }, this.#heartbeatMs);
      this.#wake = () => {
        deadline.clear();
        resolve(true);
      };
    });
  }

  #rouse(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}
