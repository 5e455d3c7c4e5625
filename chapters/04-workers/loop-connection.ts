/**
 * What the two hand-written connections on one loop share: a socket, a machine that knows HTTP, and the end of both.
 */

import type { Socket } from 'node:net';

import { HttpConnection, refusal } from '../02-http/index.ts';
import type { HttpResponse, RequestEvent } from '../02-http/index.ts';
import type { AppRequest } from './app.ts';

export class LoopConnection {
  readonly socket: Socket;
  readonly machine = new HttpConnection({ role: 'server' });
  /** The server is closing: the next response is the last. */
  #finishing = false;

  constructor(socket: Socket, idleMs: number) {
    this.socket = socket;
    // A handler may take as long as it likes; a silent client may not.
    socket.setTimeout(idleMs, () => {
      if (this.machine.ourState !== 'send-response') socket.destroy();
    });
    socket.on('error', () => socket.destroy());
  }

  /** Takes in what has come. After the last response nothing counts any more. */
  receive(bytes: Buffer): void {
    if (this.machine.ourState === 'must-close') return;
    this.machine.receiveData(bytes);
  }

  /** Ends the connection as soon as no request is in progress. */
  finish(): void {
    this.#finishing = true;
    if (this.machine.ourState === 'idle' && !this.machine.headBegun) this.socket.destroy();
  }

  /**
   * Writes a response, and ends the connection if it was the last.
   *
   * @returns false if the client reads too slowly: wait for the socket's `drain`
   */
  respond({ status, headers, body }: HttpResponse): boolean {
    const wire = this.machine.send({ type: 'response', status, headers, body: body as string, close: this.#finishing });
    const goesOn = this.socket.write(wire, 'latin1');
    if (this.machine.ourState === 'must-close') this.socket.end();
    return goesOn;
  }

  /** Answers a request that could not be read or handled, unless it has already been answered. */
  refuse(error: unknown): void {
    const { ourState } = this.machine;
    if (!this.socket.destroyed && (ourState === 'idle' || ourState === 'send-response')) this.respond(refusal(error));
  }
}

/** What the application needs to know about a request. */
export function appRequest({ method, target }: RequestEvent): AppRequest {
  const [path = '', query = ''] = target.split('?', 2);
  return { method, path, query };
}
