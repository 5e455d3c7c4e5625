/**
 * A client's connection: the driver between a socket and an HttpConnection.
 *
 * `run` is the loop: read a request, call the handler, write its response, begin again. One request is in flight at a
 * time; what arrives after it is kept, and reading pauses when that grows too large. What bytes mean is the machine's
 * business, not ours.
 */

import type { Socket } from 'node:net';

import { NotImplemented } from '#course/not-implemented.ts';
import type { HeaderPair, HttpHeaders } from './headers.ts';
import type { HttpRequest, RequestSource, ServerContext } from './message.ts';

/** Made for a socket that has just been accepted, and allows half-open connections. */
export class ServerConnection implements RequestSource {
  // Everything in here is yours. It grows with the exercises: each TODO says what a connection can do when that
  // exercise is done.

  // TODO 2.8  Each request is handed to `context.handler` as an HttpRequest, and its response goes out, in the order
  //           of the requests, until one of the two sides ends the connection: then ours is ended, and what still
  //           comes is dropped until the client has closed, too. What has come with a request is not lost. A client
  //           that ends its side is answered first. A body that is there as a whole, a string or bytes, is all that a
  //           response has. If anything goes wrong, the connection ends, and no other one notices.

  // TODO 2.9  Bodies both ways, with backpressure in both directions. A response's body may be an iterable: a part is
  //           asked for when the one before it has gone to the kernel; it is closed in the end, whatever happens
  //           (BodyIterable), also when it is not sent at all. A body of another length than promised ends the
  //           connection, and one that is longer is cut. What a handler leaves unread is dropped before the next
  //           request, up to `limits.drainedBytesMax`; reading stops where more than `limits.pipelinedBytesMax` is
  //           kept.

  // TODO 2.10 What goes wrong is answered, if no answer has begun: `refusal` says how. What is our fault is reported
  //           to `context.onError`, with the request. A request for `https://` over a connection that is not secured
  //           is a 421.

  // TODO 2.11 Every wait ends: for a head (`headerMs`, from its first byte), for the first byte of one (`idleMs`,
  //           without a word), for a part of a body or for all that nobody has read of one (`bodyMs`), for a piece of a
  //           response to leave (`sendMs`; large bodies go in pieces, so that slow clients get them, too), for the
  //           client's last byte (`lingerMs`). A head or a body that is late is a 408. With `context.closing` each
  //           response is the last; with `context.idleEnds`, so is each wait for a request. With
  //           `context.abortOnHalfClose` a client that ends its side while it waits has gone.

  // TODO 2.12 A response with `takeOver` hands the connection over after a 101, if the client has asked for it (RFC
  //           9110 §7.8): the socket without a listener of ours, and the bytes that have come already.

  readonly socket: Socket;
  /** Has a connection that is waiting for something look again. */
  wake: () => void = () => {};

  constructor(socket: Socket, context: ServerContext) {
    throw new NotImplemented('2.8');
  }

  get heldBytesMax(): number {
    throw new NotImplemented('2.8');
  }

  /** Serves requests until the connection ends. */
  async run(): Promise<void> {
    throw new NotImplemented('2.8');
  }

  /**
   * The next part of a request's body, or the trailers at its end. A client that waits for a 100 is sent it now, and
   * not before.
   *
   * @throws LocalProtocolError when the response to this request is complete, and RemoteProtocolError when the body is
   *   broken or the client has gone
   */
  async readBody(request: HttpRequest): Promise<Buffer | HttpHeaders> {
    throw new NotImplemented('2.9');
  }

  /** @throws LocalProtocolError when the response to this request has begun */
  sendInformational(request: HttpRequest, status: number, headers: readonly HeaderPair[]): void {
    throw new NotImplemented('2.9');
  }
}
