/**
 * One loop for all, with async/await: the same as with callbacks, written as if nobody else were there. Whatever must
 * be known after a wait stands in variables, and the runtime keeps the place.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import type { Socket } from 'node:net';

import type { ReceivedEvent } from '../02-http/index.ts';
import type { App } from './app.ts';
import { appRequest, LoopConnection } from './loop-connection.ts';
import { loopServer } from './loop-server.ts';
import { drained } from './sockets.ts';

class AsyncConnection extends LoopConnection {
  readonly #chunks: AsyncIterator<Buffer>;

  constructor(socket: Socket, answer: App, idleMs: number) {
    super(socket, idleMs);
    this.#chunks = socket.iterator({ destroyOnReturn: false });
    this.#serve(answer).catch((error: unknown) => this.refuse(error));
  }

  // region serve
  /** One request after the other, until the client or we have had enough. */
  async #serve(answer: App): Promise<void> {
    // TODO 4.2  The same, as a loop that waits: a request, the end of its body, the application's answer, and for the
    //           client to take it.
    throw new NotImplemented('4.2');
  }

  /** The next thing that happens, however long it takes. */
  async #nextEvent(): Promise<ReceivedEvent> {
    // TODO 4.2  The machine's next event. When it needs more data, wait for a chunk and give it to `receive`; behind
    //           the last one comes `receiveEof`.
    throw new NotImplemented('4.2');
  }
  // endregion
}

export const asynchronous = loopServer((socket, answer, idleMs) => new AsyncConnection(socket, answer, idleMs));
