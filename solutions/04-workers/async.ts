/**
 * One loop for all, with async/await: the same as with callbacks, written as if there were only one client. What must
 * be known after a wait is kept in variables, and the runtime remembers where to go on.
 */

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
    for (;;) {
      const request = await this.#nextEvent();
      if (request.type !== 'request') break;
      // This application ignores bodies.
      while ((await this.#nextEvent()).type === 'data');
      const response = await answer(appRequest(request));
      if (this.socket.destroyed) break;
      if (!this.respond(response)) await drained(this.socket);
    }
    this.socket.end();
  }

  /** The next thing that happens, however long it takes. */
  async #nextEvent(): Promise<ReceivedEvent> {
    for (;;) {
      const event = this.machine.nextEvent();
      if (event.type !== 'need-more-data') return event;
      const { done, value } = await this.#chunks.next();
      if (done === true) this.machine.receiveEof();
      else this.receive(value);
    }
  }
  // endregion
}

export const asynchronous = loopServer((socket, answer, idleMs) => new AsyncConnection(socket, answer, idleMs));
