/**
 * WebSockets on chapter 02's server: its way out of HTTP is their way in.
 *
 * A handler reads an offer, decides, and returns the 101 that `accept` makes:
 *
 * ```ts
 * const webSockets = new WebSockets();
 * await serveHttp((request) => {
 *   const offer = webSockets.readOffer(request);
 *   return webSockets.accept(offer, {}, (peer) => (peer.onMessage = (message) => peer.send(message)));
 * });
 * ```
 */

import { HttpError, HttpResponse } from '../02-http/index.ts';
import type { HttpRequest } from '../02-http/index.ts';
import { closeCodes } from './close-codes.ts';
import type { DeflateTuning } from './deflate.ts';
import { defaultDeflateParameters } from './deflate-parameters.ts';
import type { DeflateParameters } from './deflate-parameters.ts';
import { acceptHandshake, originAllowed, readHandshake } from './handshake.ts';
import { SessionGroup } from './session-group.ts';
import type { SessionGroupOptions } from './session-group.ts';
import { WebSocketConnection } from './websocket-connection.ts';
import { WebSocketSession } from './websocket-session.ts';
import { OpenWebSocket } from './websocket.ts';
import type { WebSocketAcceptance, WebSocketHost, WebSocketOffer, WebSocketPeer } from './websocket-types.ts';

export interface WebSocketsOptions extends SessionGroupOptions {
  /** Origins whose pages may open a WebSocket, such as `https://example.org`; others get 403. Default `null`: any. */
  readonly origins?: readonly string[] | null;
  /** permessage-deflate if a client offers it, with the parameters that the server wants. Default false: it costs time. */
  readonly deflate?: boolean | Partial<DeflateParameters>;
  readonly deflateTuning?: DeflateTuning;
  /** Messages below this are not deflated. In bytes, default 1024. */
  readonly deflateFromBytes?: number;
}

export class WebSockets implements WebSocketHost {
  readonly #options: WebSocketsOptions;
  readonly #deflate: DeflateParameters | null;
  readonly #group: SessionGroup;
  #closing: { code: number; reason: string } | null = null;

  constructor(options: WebSocketsOptions = {}) {
    this.#options = options;
    this.#group = new SessionGroup(options);
    const { deflate = false } = options;
    this.#deflate = deflate === false ? null : { ...defaultDeflateParameters, ...(deflate === true ? {} : deflate) };
  }

  get size(): number {
    return this.#group.size;
  }

  readOffer(request: HttpRequest): WebSocketOffer {
    const offer = readHandshake(request);
    if (!originAllowed(offer.origin, this.#options.origins ?? null)) throw new HttpError(403, 'origin not allowed\n');
    if (this.#closing !== null) throw new HttpError(503);
    return offer;
  }

  accept(offer: WebSocketOffer, acceptance: WebSocketAcceptance, onOpen: (peer: WebSocketPeer) => void): HttpResponse {
    const { headers, subprotocol, deflate } = acceptHandshake(offer, acceptance, this.#deflate);
    return HttpResponse.switchingProtocols(headers, (socket, head) => {
      const { limits } = this.#group;
      const { deflateTuning, deflateFromBytes } = this.#options;
      const machine = new WebSocketConnection({
        role: 'server',
        limits,
        deflate,
        ...(deflateTuning && { deflateTuning }),
        ...(deflateFromBytes !== undefined && { deflateFromBytes }),
      });
      const session = new WebSocketSession(socket, machine, this.#group);
      try {
        onOpen(new OpenWebSocket(session, subprotocol));
      } catch (error) {
        session.fail(error);
      }
      // A handshake that was accepted while the server was already closing.
      if (this.#closing !== null) session.close(this.#closing.code, this.#closing.reason);
      if (head.length > 0) session.receiveData(head);
    });
  }

  close(code: number = closeCodes.goingAway, reason = ''): Promise<void> {
    this.#closing ??= { code, reason };
    return this.#group.closeAll(code, reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
