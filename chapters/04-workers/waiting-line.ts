/**
 * Connections that wait to be served: a fixed number are served at a time, a fixed number may wait, and the rest are refused.
 *
 * Node accepts every connection that comes, whether there is time for it or not. So the queue that other languages
 * leave to the kernel (the backlog of `listen`) is kept here, with a limit, and a length that can be seen.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import type { Socket } from 'node:net';

import { refuseConnection } from './refuse.ts';

export interface WaitingLineOptions {
  /** How many connections are served at a time. */
  readonly activeMax: number;
  /** How many may wait. */
  readonly queueMax: number;
  /** Serves a connection. Resolves when it is over, in whatever way; never rejects. */
  readonly serve: (socket: Socket) => Promise<void>;
}

export class WaitingLine {
  readonly #options: WaitingLineOptions;
  readonly #waiting: Socket[] = [];
  #active = 0;
  #refused = 0;
  #onEmpty: (() => void) | null = null;

  constructor(options: WaitingLineOptions) {
    this.#options = options;
  }

  get active(): number {
    return this.#active;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get refused(): number {
    return this.#refused;
  }

  /** Takes a connection in. Its socket must not have been read from. */
  enter(socket: Socket): void {
    if (this.#active >= this.#options.activeMax && this.#waiting.length >= this.#options.queueMax) {
      this.#refused++;
      refuseConnection(socket);
      return;
    }
    // A client that leaves the line causes an `error` event at most; its turn comes all the same.
    socket.on('error', ignore);
    this.#waiting.push(socket);
    this.#serveNext();
  }

  /** Resolves when no client is being served and none waits. */
  async empty(): Promise<void> {
    if (this.#active === 0 && this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }

  /** Sends away the clients that still wait. */
  clear(): void {
    for (const socket of this.#waiting.splice(0)) refuseConnection(socket);
  }

  // region next
  #serveNext(): void {
    // TODO 4.1  While fewer than `activeMax` clients are being served, take the first of `#waiting` and `serve` it.
    //           When it is done, in whatever way, there is room for the next. Keep `#active` right. When no client is
    //           being served any more (then none is waiting either), call `#onEmpty`.
    throw new NotImplemented('4.1');
  }
  // endregion
}

function ignore(): void {}
