/**
 * What a request gets from its connection: the body, the addresses, and a way to send interim responses. This is the
 * side of a connection that a handler can reach, through its HttpRequest.
 */

import type { Socket } from 'node:net';

import type { HttpConnection } from './connection.ts';
import { RemoteProtocolError } from './errors.ts';
import { noHeaders } from './headers.ts';
import type { HeaderPair, HttpHeaders } from './headers.ts';
import type { RequestSource } from './request.ts';
import type { SocketOutput } from './socket-output.ts';

export class RequestIntake implements RequestSource {
  readonly #socket: Socket;
  readonly #machine: HttpConnection;
  readonly #output: SocketOutput;
  readonly #onWaiting: () => void;
  #onBody: (() => void) | null = null;
  #error: RemoteProtocolError | null = null;
  #gone = false;
  #trailers: HttpHeaders = noHeaders;

  /** @param onWaiting called when a handler begins to wait for the body, and when it stops waiting */
  constructor(socket: Socket, machine: HttpConnection, output: SocketOutput, onWaiting: () => void) {
    this.#socket = socket;
    this.#machine = machine;
    this.#output = output;
    this.#onWaiting = onWaiting;
  }

  readBody(): Buffer | null | undefined {
    if (this.#error !== null) throw this.#error;
    const machine = this.#machine;
    // RFC 9110 §10.1.1: the client is told to go on only when the handler wants its body.
    if (machine.awaitsContinue && machine.ourState === 'send-response') this.sendInformational(100, []);
    const event = machine.nextEvent();
    if (event.type === 'data') return event.data;
    if (event.type === 'need-more-data') return undefined;
    if (event.type === 'end') this.#trailers = event.trailers;
    return null;
  }

  bodyArrives(): Promise<void> {
    return new Promise((resolve) => {
      this.#onBody = resolve;
      this.#onWaiting();
    });
  }

  get trailers(): HttpHeaders {
    return this.#trailers;
  }

  sendInformational(status: number, headers: readonly HeaderPair[]): void {
    this.#output.write(this.#machine.send({ type: 'informational', status, headers }));
    this.#output.flush();
  }

  /** Whether a handler waits for the body. */
  get waiting(): boolean {
    return this.#onBody !== null;
  }

  /** Whether the body cannot be read any more. */
  get failed(): boolean {
    return this.#error !== null;
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Something has arrived: a handler that is waiting may look. */
  arrived(): void {
    const onBody = this.#onBody;
    if (onBody === null) return;
    this.#onBody = null;
    this.#onWaiting();
    onBody();
  }

  /** The body will not arrive: a handler that reads it is told why. */
  fail(error: RemoteProtocolError): void {
    this.#error ??= error;
    this.arrived();
  }

  /** The client has gone. */
  leave(): void {
    this.#gone = true;
    this.fail(new RemoteProtocolError(400, 'the client has gone'));
  }

  /** The request is over. A handler that still waits for the body is told that it can no longer be read. */
  reset(): void {
    this.#trailers = noHeaders;
    this.arrived();
  }

  get heldBytesMax(): number {
    return this.#machine.limits.heldBytesMax;
  }

  get scheme(): 'http' | 'https' {
    return 'encrypted' in this.#socket && this.#socket.encrypted === true ? 'https' : 'http';
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  get localPort(): number | undefined {
    return this.#socket.localPort;
  }
}
