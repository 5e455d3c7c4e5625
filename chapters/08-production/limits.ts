/**
 * How much of the server one client may have, and how much all of them together: connections, and requests in the long run.
 *
 * It knows no socket and no clock. Whatever it remembers has a greatest size, too.
 */

import type { AsyncApp } from '../06-websocket/index.ts';
import { NotImplemented } from '#course/not-implemented.ts';

/** How many clients are remembered. */
const CLIENTS_MAX = 100_000;

/**
 * What counts as one client: an IPv4 address, or the first half of an IPv6 address. A client that has one address of the
 * second kind has all 2⁶⁴ of that network.
 */
export function clientKey(address: string): string {
  // TODO 8.3  However a client writes its address, it is the same client: `::ffff:192.0.2.1` is IPv4, and IPv6 has capitals, zeros
  //           that may be left out, and a zone after `%` (`SocketAddress` of node:net knows one way to write it). What is
  //           not an address is a client by itself.
  throw new NotImplemented('8.3');
}

/** Counts what each client has open. */
export class OpenCounts {
  /** @param max for each client; 0 for no limit */
  constructor(max: number) {
    // TODO 8.3  Whatever is kept of a client is gone when it has nothing open any more.
    throw new NotImplemented('8.3');
  }

  /** One more; `false` if that is too many. Each `true` is followed by a {@link OpenCounts.leave}. */
  enter(key: string): boolean {
    throw new NotImplemented('8.3');
  }

  leave(key: string): void {
    throw new NotImplemented('8.3');
  }
}

export interface BucketOptions {
  /** A client gets a token this often, in milliseconds. */
  readonly intervalMs: number;
  /** How many tokens a bucket holds, which is what a new client has. */
  readonly burst: number;
  /** How many buckets there are. Beyond that, the one that was not used for longest is forgotten. */
  readonly clientsMax?: number;
}

/** A bucket of tokens for each client. Nothing has to be done while time passes. */
export class TokenBuckets {
  constructor(options: BucketOptions) {
    // TODO 8.3  Without `clientsMax`, CLIENTS_MAX are remembered.
    throw new NotImplemented('8.3');
  }

  /** How many clients are remembered. */
  get size(): number {
    throw new NotImplemented('8.3');
  }

  /** Takes a token. @returns 0, or after how many milliseconds there will be one @param nowMs on any clock that only goes forward */
  take(key: string, nowMs: number): number {
    // TODO 8.3  A new client has `burst` tokens. A bucket gets one after each `intervalMs`, and never holds more than `burst`. A
    //           client that is refused loses nothing by it. There are never more than `clientsMax` buckets: the one that was
    //           not used for longest makes room.
    throw new NotImplemented('8.3');
  }
}

/** Answers clients that ask too often with 429 (RFC 6585 §4). @param buckets `null` for no limit */
export function withRate(app: AsyncApp, buckets: TokenBuckets | null): AsyncApp {
  // TODO 8.3  Each request, and each WebSocket, takes a token of its client (`scope.client`, `clientKey`). Without one, the answer
  //           is 429, and `Retry-After` says after how many whole seconds there will be one; a WebSocket is closed. The
  //           application does not hear of it.
  throw new NotImplemented('8.3');
}
