/**
 * How much of the server one client may have, and how much all of them together: connections, and requests in the long run.
 *
 * It knows no socket and no clock. Whatever it remembers has a greatest size, too.
 */

import { isIPv6, SocketAddress } from 'node:net';

import type { AsyncApp } from '../06-websocket/index.ts';

/** How many clients are remembered. */
const CLIENTS_MAX = 100_000;

/**
 * What counts as one client: an IPv4 address, or the first half of an IPv6 address. A client that has one address of the
 * second kind has all 2⁶⁴ of that network.
 */
export function clientKey(address: string): string {
  const [, v4] = /^::ffff:([\d.]+)$/i.exec(address) ?? [];
  if (v4 !== undefined || !isIPv6(address)) return v4 ?? address;
  const plain = new SocketAddress({ family: 'ipv6', address: address.replace(/%.*/, '') }).address;
  const [left = [], right = []] = plain.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}

/** Counts what each client has open. */
export class OpenCounts {
  readonly #max: number;
  readonly #counts = new Map<string, number>();

  /** @param max for each client; 0 for no limit */
  constructor(max: number) {
    this.#max = max;
  }

  /** One more; `false` if that is too many. Each `true` is followed by a {@link OpenCounts.leave}. */
  enter(key: string): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (this.#max > 0 && count >= this.#max) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  leave(key: string): void {
    const count = this.#counts.get(key) ?? 0;
    if (count > 1) this.#counts.set(key, count - 1);
    else this.#counts.delete(key);
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

/**
 * A bucket of tokens for each client. It is one number: when the bucket is full again (GCRA). So nothing has to be done
 * while time passes.
 */
export class TokenBuckets {
  readonly #options: Required<BucketOptions>;
  readonly #fullAtMs = new Map<string, number>();

  constructor(options: BucketOptions) {
    this.#options = { clientsMax: CLIENTS_MAX, ...options };
  }

  /** How many clients are remembered. */
  get size(): number {
    return this.#fullAtMs.size;
  }

  /** Takes a token. @returns 0, or after how many milliseconds there will be one @param nowMs on any clock that only goes forward */
  take(key: string, nowMs: number): number {
    const { intervalMs, burst, clientsMax } = this.#options;
    const fullAtMs = Math.max(nowMs, this.#fullAtMs.get(key) ?? 0);
    const waitMs = Math.max(0, fullAtMs - nowMs - (burst - 1) * intervalMs);
    // Put in anew, it is the last one to be forgotten.
    this.#fullAtMs.delete(key);
    this.#fullAtMs.set(key, waitMs > 0 ? fullAtMs : fullAtMs + intervalMs);
    if (this.#fullAtMs.size > clientsMax) this.#fullAtMs.delete(this.#fullAtMs.keys().next().value!);
    return waitMs;
  }
}

/** Answers clients that ask too often with 429 (RFC 6585 §4). @param buckets `null` for no limit */
export function withRate(app: AsyncApp, buckets: TokenBuckets | null): AsyncApp {
  if (buckets === null) return app;
  return async (scope, receive, send) => {
    if (scope.type === 'lifespan') return await app(scope, receive, send);
    const waitMs = buckets.take(clientKey(scope.client?.address ?? ''), performance.now());
    if (waitMs === 0) return await app(scope, receive, send);
    if (scope.type === 'websocket') return await send({ type: 'websocket.close' });
    const headers = [['Retry-After', String(Math.ceil(waitMs / 1000))], ['Content-Type', 'text/plain']] as const;
    await send({ type: 'http.response.start', status: 429, headers });
    await send({ type: 'http.response.body', body: Buffer.from('Too many requests.\n') });
  };
}
