/**
 * One loop for all, with callbacks: a function is called when something has happened, does what can be done now, and
 * returns. What must be known at the next call is kept in fields.
 */

import { NotImplemented } from '#course/not-implemented.ts';
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
    // TODO 4.2  As long as the client takes what we write (`writableNeedDrain` of the socket), ask the machine for its
    //           next event. `request`: remember it. `end`: handle the request. `data`: ignore it. `closed`: end our
    //           side; nothing else will come. Any other event: there is nothing to do now. If `nextEvent` throws,
    //           refuse the error (`this.refuse`). Afterwards, resume a socket that was paused because too much had
    //           come, but only when the machine holds no more than HELD_BYTES_MAX (`bufferedBytes`).
    throw new NotImplemented('4.2');
  }

  /** Calls the application, which answers at once or calls back. */
  #handle(): void {
    // TODO 4.2  Ask `#answer` (it neither throws nor rejects; `appRequest` makes its argument). If it returns an
    //           HttpResponse, send that now (`this.respond`). If it returns a promise, have it call `#answered` later.
    throw new NotImplemented('4.2');
  }

  #answered(response: HttpResponse): void {
    // TODO 4.2  Send the response, unless the socket is destroyed. Then go on with what has come in the meantime.
    throw new NotImplemented('4.2');
  }
  // endregion
}

export const callbacks = loopServer((socket, answer, idleMs) => new CallbackConnection(socket, answer, idleMs));
