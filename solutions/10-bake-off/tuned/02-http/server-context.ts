/**
 * What all connections of a server share.
 */

import type { Socket } from 'node:net';

import type { Deadlines } from './deadlines.ts';
import type { HttpLimits } from './limits.ts';
import type { HeaderPair } from './headers.ts';
import type { HttpRequest } from './request.ts';
import type { Handler } from './response.ts';
import type { HttpTimeouts } from './timeouts.ts';

/**
 * Called for faults on our side: what a handler threw, a response that could not be sent. `request` is the one that was
 * being answered, if any. The peers' faults are not reported.
 */
export type ErrorReporter = (error: unknown, request: HttpRequest | null) => void;

export interface ServerContext {
  readonly handler: Handler;
  readonly limits: HttpLimits;
  readonly timeouts: HttpTimeouts;
  readonly deadlines: Deadlines;
  readonly onError: ErrorReporter;
  /** Fields for every response that is made from an error. */
  readonly refusalHeaders: readonly HeaderPair[];
  /** Treat a client that has closed its sending side as gone. */
  readonly abortOnHalfClose: boolean;
  /** The server is closing: each response is its connection's last. */
  readonly closing: boolean;
  /** It is closing, and connections that are between two requests end now. */
  readonly idleEnds: boolean;
  /** A connection has ended, or speaks another protocol from now on. */
  release(connection: object, upgraded: Socket | null): void;
}
