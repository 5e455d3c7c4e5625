/**
 * One connection of a client, and what became of a request on it. Says exactly how a request was lost, which is what
 * libraries hide; answers are read by the strict reader of the hidden tests, which shares no code with any server.
 */

import { connect } from 'node:net';
import type { Socket } from 'node:net';

import { HttpFault, readResponse, saysClose } from '../../../tests/support/http-response.ts';
import type { HttpTestResponse } from '../../../tests/support/http-response.ts';
import type { Failure } from './books.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Whether it is a response or a failure. */
export function isFailure(outcome: object | Failure): outcome is Failure {
  return typeof outcome === 'string';
}

export class Connection {
  readonly #socket: Socket;
  readonly #patienceMs: number;
  /** Called for each part that comes, and for the end. */
  #listener: (() => void) | null = null;
  #received: Buffer = Buffer.alloc(0);
  #ended = false;
  #worker: number | null = null;

  private constructor(socket: Socket, patienceMs: number) {
    this.#socket = socket;
    this.#patienceMs = patienceMs;
    const over = (): void => {
      this.#ended = true;
      this.#listener?.();
    };
    socket.on('data', (chunk: Buffer) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#listener?.();
    });
    socket.on('end', over).on('error', over).on('close', over);
  }

  /** @throws Error for what is the client's own fault, such as too many open files */
  static open({ host, port }: Address, patienceMs: number): Promise<Connection | Failure> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true });
      const timer = setTimeout(() => {
        socket.destroy();
        resolve('unanswered');
      }, patienceMs);
      const fail = (error: NodeJS.ErrnoException): void => {
        clearTimeout(timer);
        if (error.code === 'ECONNREFUSED') resolve('refused');
        else if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve('reset');
        else if (error.code === 'ETIMEDOUT') resolve('unanswered');
        else reject(error);
      };
      socket.once('error', fail);
      socket.once('connect', () => {
        clearTimeout(timer);
        const connection = new Connection(socket, patienceMs);
        socket.off('error', fail);
        resolve(connection);
      });
    });
  }

  /** Whether a request may be sent: nothing has ended it as far as the client has heard, and nothing is left of what came before. */
  get isOpen(): boolean {
    return !this.#ended && this.#received.length === 0;
  }

  /** The process at the other end, as far as it has said who it is. */
  get worker(): number | null {
    const said = /^x-worker: (\d+)\r$/im.exec(this.#received.toString('latin1', 0, HEAD_BYTES));
    if (said !== null) this.#worker = Number(said[1]);
    return this.#worker;
  }

  /** Sends a request, and waits for the whole answer. The connection is of use after it only if `isOpen`. */
  async ask(request: string): Promise<HttpTestResponse | Failure> {
    const response = await this.#exchange(request, (bytes, ended) => {
      const read = readResponse(bytes, 0, 'GET', ended);
      return 'incomplete' in read ? null : read;
    });
    this.#worker = this.worker;
    if (isFailure(response)) this.destroy();
    else this.#received = this.#received.subarray(response.end);
    return response;
  }

  /**
   * Sends a request whose answer is not expected to end, and reports each part of it. Resolves when it has ended:
   * with the answer if its chunked body ended as it should, else with how it was cut.
   */
  async follow(request: string, onPart: () => void): Promise<HttpTestResponse | Failure> {
    let seen = 0;
    const response = await this.#exchange(request, (bytes, ended) => {
      if (bytes.length > seen) onPart();
      seen = bytes.length;
      // Reading it all again for each event would cost more than the event.
      const mayBeWhole = bytes.subarray(-5).equals(LAST_CHUNK) || !bytes.subarray(0, 12).equals(WELL_BEGUN);
      if (!ended && !mayBeWhole) return null;
      const read = readResponse(bytes, 0, 'GET', ended);
      return 'incomplete' in read ? null : read;
    });
    this.destroy();
    return response;
  }

  destroy(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  /** Patience is for silence: each part that comes renews it. */
  #exchange(request: string, look: (bytes: Buffer, ended: boolean) => HttpTestResponse | null): Promise<HttpTestResponse | Failure> {
    return new Promise((resolve) => {
      const finish = (outcome: HttpTestResponse | Failure): void => {
        clearTimeout(timer);
        this.#listener = null;
        resolve(outcome);
      };
      const timer = setTimeout(() => finish('unanswered'), this.#patienceMs);
      this.#listener = () => {
        timer.refresh();
        try {
          const response = this.#received.length === 0 ? null : look(this.#received, this.#ended);
          if (response !== null) finish(response);
          else if (this.#ended) finish(this.#received.length === 0 ? 'reset' : 'cut');
        } catch (error) {
          if (!(error instanceof HttpFault)) throw error;
          finish('wrong');
        }
      };
      this.#socket.write(request);
      if (this.#ended) this.#listener();
    });
  }
}

const LAST_CHUNK = Buffer.from('0\r\n\r\n');
/** The head of an answer is shorter. */
const HEAD_BYTES = 1_000;
const WELL_BEGUN = Buffer.from('HTTP/1.1 200');

/** Whether the next request may use the same connection, by what the answer says. */
export function mayGoOn(response: HttpTestResponse): boolean {
  return response.framing !== 'close' && !saysClose(response);
}
