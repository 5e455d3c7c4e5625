/**
 * How long a client may take: to send a body, to take a response, and for a request from its head to its end.
 *
 * A limit for each silence is not enough, since a client can send a byte before each of them ends. What counts is the rate,
 * and the time in all.
 */

import type { Socket } from 'node:net';

import type { AsyncApp } from '../06-websocket/index.ts';
import { NotImplemented } from '#course/not-implemented.ts';
import type { Settings } from './settings.ts';

export interface PatienceOptions {
  /** 0 for no rate: then patience has no end. */
  readonly bytesPerSecondMin: number;
  /** How far a client may be behind that rate, in milliseconds. It cannot be ahead of it: what it did before is past. */
  readonly slackMs: number;
}

/**
 * How much longer we wait for a client that sends, or takes, bytes: waiting costs time, and each byte gives some of it back.
 *
 * It has no clock, and does not know what it waits for.
 */
export class Patience {
  constructor({ bytesPerSecondMin, slackMs }: PatienceOptions) {
    // TODO 8.2  At first there is all of the slack; without a rate it is Infinity, and stays so.
    throw new NotImplemented('8.2');
  }

  /** In milliseconds; not above 0 for a client that is too slow. */
  get leftMs(): number {
    throw new NotImplemented('8.2');
  }

  /** We have waited so long, and then these bytes had moved. @returns what is left */
  after(waitedMs: number, bytes: number): number {
    // TODO 8.2  A wait costs as long as it took, each byte gives back the time that the rate allows for it, and there is never
    //           more than the slack.
    throw new NotImplemented('8.2');
  }
}

/** Limits a request in time: its body by a rate, and all of it. The client gets 408, or 503 if it was not the client's fault. */
export function withTimes(app: AsyncApp, settings: Settings): AsyncApp {
  // TODO 8.2  While the application waits for a part of the body, the client must keep up `bodyBytesPerSecondMin`, and may be
  //           `bodyMs` late. If it is not, `receive` rejects with a RemoteProtocolError of 408, now and whenever it is
  //           called again. Only waiting for the client counts: not what the application does between two calls, and not
  //           what it waits for when it has all of the body.
  //
  //           All of a request takes `requestMs` at most (0 is off), and then ends with an error, whatever the application
  //           does: 408 if it is waiting for a part of the body, 503 if the client is not to blame. The application learns of
  //           it by the `signal` of its scope.
  throw new NotImplemented('8.2');
}

/** How often clients are looked at, in milliseconds, and in each slack. */
const LOOK_MS_MAX = 1000;
const LOOKS_PER_SLACK = 10;

/** Finds the clients that take what they are sent too slowly. One timer looks at all of them. */
export class SlowReaders {
  /** @param onSlow gets the socket of a client that is too slow, and must destroy it */
  constructor(options: PatienceOptions, onSlow: (socket: Socket) => void) {
    // TODO 8.2  Every client that is watched is looked at LOOKS_PER_SLACK times in each slack, and at least every LOOK_MS_MAX.
    throw new NotImplemented('8.2');
  }

  /** Watches a connection until it is closed. */
  add(socket: Socket): void {
    // TODO 8.2  As long as there is something that the client has not taken (`writableLength`), it must take bytes at the rate; a
    //           client that has taken everything waits for us, and is not slow. A client is watched over TLS, too: it is the
    //           secured socket that is given here. If this process itself has stood still, it cannot tell who was slow. Without
    //           a rate nobody is watched. The timer must not keep a process alive, and there is none when nobody is left.
    throw new NotImplemented('8.2');
  }
}
