/**
 * One loop for all, with async/await: the same as with callbacks, written as if there were only one client. What must
 * be known after a wait is kept in variables, and the runtime remembers where to go on.
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
  /** One request after another, until the client or the server ends the connection. */
  async #serve(answer: App): Promise<void> {
    // TODO 4.2  The same, as a loop that waits: for an event (anything but a `request` ends the loop, and then our side
    //           of the socket), for the end of the request (`data` may come first), for the application's answer, and
    //           for a client that reads too slowly (`respond` says whether it does; `drained` waits). Do not send to a
    //           socket that is destroyed. Whatever is thrown here is refused in the constructor.
    throw new NotImplemented('4.2');
  }

  /** The next thing that happens, however long it takes. */
  async #nextEvent(): Promise<ReceivedEvent> {
    // TODO 4.2  Return the machine's next event. If it needs more data, wait for a chunk, give it to `this.receive`,
    //           and ask again. After the last chunk, tell the machine (`receiveEof`) and ask again: only the machine
    //           knows whether the end is `closed` or whether something is missing, for which it throws.
    throw new NotImplemented('4.2');
  }
  // endregion
}

export const asynchronous = loopServer((socket, answer, idleMs) => new AsyncConnection(socket, answer, idleMs));
