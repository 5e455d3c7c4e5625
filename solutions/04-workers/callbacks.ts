/**
 * One loop for all, with callbacks: a function is called when something has happened, does what can be done now, and
 * returns. What must be known at the next call is kept in fields.
 */

import type { Socket } from 'node:net';

import { HttpResponse } from '../02-http/index.ts';
import type { RequestEvent } from '../02-http/index.ts';
import type { App } from './app.ts';
import { appRequest, LoopConnection } from './loop-connection.ts';
import { loopServer } from './loop-server.ts';

/** A client that has sent more than this many bytes before our answers must wait. */
const HELD_BYTES_MAX = 64 * 1024;

class CallbackConnection extends LoopConnection {
  readonly #answer: App;
  /** The request that is being read or answered. */
  #request: RequestEvent | null = null;

  constructor(socket: Socket, answer: App, idleMs: number) {
    super(socket, idleMs);
    this.#answer = answer;
    socket.on('data', (bytes) => {
      this.receive(bytes);
      if (this.machine.bufferedBytes > HELD_BYTES_MAX) socket.pause();
      this.#goOn();
    });
    socket.on('end', () => {
      this.machine.receiveEof();
      this.#goOn();
    });
    socket.on('drain', () => this.#goOn());
  }

  // region go-on
  /** Acts on what has arrived, until there is nothing to do now. */
  #goOn(): void {
    try {
      while (!this.socket.writableNeedDrain) {
        const event = this.machine.nextEvent();
        if (event.type === 'request') this.#request = event;
        else if (event.type === 'end') this.#handle();
        // This application ignores bodies. Any other event means: nothing to do now, or, after the last request, ever.
        else if (event.type !== 'data') {
          if (event.type === 'closed') this.socket.end();
          break;
        }
      }
    } catch (error) {
      this.refuse(error);
    }
    if (this.socket.isPaused() && this.machine.bufferedBytes <= HELD_BYTES_MAX) this.socket.resume();
  }

  /** Calls the application, which answers at once or calls back. */
  #handle(): void {
    const response = this.#answer(appRequest(this.#request!));
    if (response instanceof HttpResponse) this.respond(response);
    else response.then((later) => this.#answered(later)).catch((error: unknown) => this.refuse(error));
  }

  #answered(response: HttpResponse): void {
    if (this.socket.destroyed) return;
    this.respond(response);
    this.#goOn();
  }
  // endregion
}

export const callbacks = loopServer((socket, answer, idleMs) => new CallbackConnection(socket, answer, idleMs));
