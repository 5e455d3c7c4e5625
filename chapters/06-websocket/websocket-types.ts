/**
 * A WebSocket as an application sees it, and where applications get one from.
 *
 * Only types: websocket.ts and websocket-server.ts implement them, and neither is known here.
 */

import type { HeaderPair, HttpRequest, HttpResponse } from '../02-http/index.ts';
import type { SharedMessage } from './shared-message.ts';

/** A whole message: text as a string, binary as bytes. */
export type WebSocketMessage = string | Buffer;

/** How a WebSocket has ended. */
export interface WebSocketClosure {
  /**
   * The code of the peer's Close frame; 1005 if that had none, 1006 if the connection ended without one. If we failed
   * the connection, the code with which we did so (1002, 1007, 1009).
   */
  readonly code: number;
  readonly reason: string;
  /** Whether both sides have sent a Close frame. */
  readonly clean: boolean;
}

/** The other end of a WebSocket that is open, or was. */
export interface WebSocketPeer extends AsyncIterable<WebSocketMessage> {
  /** The one that was agreed on; `''` for none. */
  readonly subprotocol: string;
  readonly state: 'open' | 'closing' | 'closed';
  /** Bytes that `send` has taken and the kernel has not. */
  readonly bufferedBytes: number;

  /**
   * Sends a message: a string as text, bytes as binary. Bytes must not be changed until they are sent. What is sent when
   * the WebSocket is not open any more is dropped. Messages sent in one turn of the event loop leave in one write.
   *
   * @returns false when more waits than the high-water mark allows, and {@link WebSocketPeer.drained} should be awaited
   */
  send(message: string | Uint8Array | SharedMessage): boolean;

  /** Waits until there is room for more: true then, and false when the WebSocket is not open any more. Never rejects. */
  drained(): boolean | Promise<boolean>;

  /**
   * The next message, or `null` when there will be none: the peer has closed, has gone or was failed. Messages wait for
   * it, up to a limit; then reading pauses. One call at a time. Iterating does the same.
   */
  receive(): Promise<WebSocketMessage | null>;

  /**
   * Instead of {@link WebSocketPeer.receive}: called for each message as it arrives, within the event that brought it.
   * What waits already is handed over when this is set. What it throws closes the WebSocket with 1011.
   */
  onMessage: ((message: WebSocketMessage) => void) | null;

  /** Stops reading from the socket. A peer's Close frame and pongs are not read either. */
  pause(): void;
  resume(): void;

  /**
   * Begins the closing handshake: what was sent before leaves first. Does nothing when it has begun already.
   *
   * @param code 1000 (default) and others that may be sent: RFC 6455 §7.4
   * @param reason at most 123 bytes of UTF-8
   * @throws LocalProtocolError for a code that must not be sent, or for a reason that is too long
   */
  close(code?: number, reason?: string): void;

  /** Cuts the connection without a word. */
  destroy(): void;

  /** Resolves when the connection has ended, however it has. Never rejects. */
  readonly closed: Promise<WebSocketClosure>;
}

/** What a server adds to its acceptance of a handshake. */
export interface WebSocketAcceptance {
  /** One of those that were offered. */
  readonly subprotocol?: string | undefined;
  /** More header fields for the 101 response. */
  readonly headers?: readonly HeaderPair[];
}

/** A client's opening handshake, read and found valid. */
export interface WebSocketOffer {
  readonly key: string;
  /** Subprotocols in the client's order; none twice. */
  readonly subprotocols: readonly string[];
  /** The field Origin, as sent; browsers always send it. */
  readonly origin: string | undefined;
  /** The extensions that are offered, as sent and checked against the grammar. */
  readonly extensions: readonly ExtensionOffer[];
}

/** One member of Sec-WebSocket-Extensions (RFC 6455 §9.1). */
export interface ExtensionOffer {
  readonly name: string;
  /** In their order, `true` for a parameter without a value. */
  readonly parameters: readonly (readonly [name: string, value: string | true])[];
}

/** All WebSockets of a server: their settings, their heartbeat, their end. */
export interface WebSocketHost {
  /** How many are open or closing. */
  readonly size: number;

  /**
   * Reads a request for a WebSocket.
   *
   * @throws HttpError 400, 403, 405 or 426 for one that cannot be accepted; if a handler rethrows it, it is the answer
   */
  readOffer(request: HttpRequest): WebSocketOffer;

  /**
   * The 101 response. `onOpen` is called when it has been written. It must not throw; if it does, 1011 is sent.
   *
   * @throws LocalProtocolError for a subprotocol that was not offered
   */
  accept(offer: WebSocketOffer, acceptance: WebSocketAcceptance, onOpen: (peer: WebSocketPeer) => void): HttpResponse;

  /** Closes all of them, with 1001 (going away) unless told otherwise; resolves when none is left. */
  close(code?: number, reason?: string): Promise<void>;
}
