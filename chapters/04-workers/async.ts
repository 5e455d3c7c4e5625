/**
 * One loop for all, with async/await: the same as with callbacks, written as if nobody else were there. What must
 * be known after a wait is kept in variables, and the runtime keeps the place.
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
    // TODO 4.2  The same, as a loop that waits: for an event (anything but a `request` is the end, and our side of the
    //           socket ends, too), for the end of the request (`data` may come before it), for the application's
    //           answer, and for a client who reads too slowly (`respond` says so, `drained` waits). Send nothing to a
    //           socket that is destroyed. What is thrown here is refused in the constructor.
    throw new NotImplemented('4.2');
  }

  /** The next thing that happens, however long it takes. */
  async #nextEvent(): Promise<ReceivedEvent> {
    // TODO 4.2  The machine's next event, unless it needs more data. Then wait for a chunk, give it to `this.receive`,
    //           and ask again. Behind the last chunk tell the machine (`receiveEof`), and ask again, too: it alone
    //           knows whether the end is `closed` or something is missing, which it throws.
    throw new NotImplemented('4.2');
  }
  // endregion
}

export const asynchronous = loopServer((socket, answer, idleMs) => new AsyncConnection(socket, answer, idleMs));
