/**
 * The options of a static file server, and what they are by default.
 */

import { HttpConnection } from '../02-http/index.ts';
import type { HeaderPair, HeadersInit } from '../02-http/index.ts';
import type { Coding } from './accept-encoding.ts';
import { RANGES_MAX } from './range.ts';
import type { RootOptions } from './root.ts';

export interface StaticOptions extends RootOptions {
  /** The names that are tried in a directory. Default `index.html`. */
  readonly index?: readonly string[];
  /** List directories without an index; else 404. Default false. */
  readonly listing?: boolean;
  /** Cache-Control of files: `no-cache`, `public, max-age=3600`. Default: none, and caches guess. */
  readonly cacheControl?: string;
  /** Fields for every response that is not an error. They replace the server's own, except Vary, which is added to. */
  readonly headers?: HeadersInit;
  /** Encoded siblings to look for, the best first: `app.js.br` beside `app.js`. Default none. */
  readonly encodings?: readonly Coding[];
  /** A Range field with more ranges than this is ignored. Default 16. */
  readonly rangesMax?: number;
  /** Files are read in pieces of this size, one buffer for each client that is being sent a file. Default 128 KiB. */
  readonly readBytes?: number;
  /** Memory for small files, in total; files that are kept open count as 256 KiB each. Default 0: nothing is kept. */
  readonly cacheBytesMax?: number;
  /** The largest file that is kept in memory; larger ones are kept open. Default 1 MiB. */
  readonly cacheFileBytesMax?: number;
  /** How long a file in memory is served without looking at the disk. Default 1000. */
  readonly cacheWindowMs?: number;
}

/** The options with every choice made. */
export type Settings = Required<Omit<StaticOptions, 'headers' | 'cacheControl'>> & {
  readonly headers: readonly HeaderPair[];
  readonly cacheControl: string | null;
};

/** @throws LocalProtocolError for a header field that cannot be sent */
export function withDefaults(options: StaticOptions = {}): Settings {
  const headers = Array.isArray(options.headers) ? (options.headers as readonly HeaderPair[]) : Object.entries(options.headers ?? {});
  const cacheControl = options.cacheControl ?? null;
  const fields: readonly HeaderPair[] = cacheControl === null ? headers : [...headers, ['Cache-Control', cacheControl]];
  // Tried now, on a connection that is thrown away, and not with the first response.
  new HttpConnection().send({ type: 'response', status: 200, headers: fields });
  return {
    dotfiles: options.dotfiles ?? false,
    platform: options.platform ?? process.platform,
    followOutside: options.followOutside ?? false,
    index: options.index ?? ['index.html'],
    listing: options.listing ?? false,
    cacheControl,
    headers,
    encodings: options.encodings ?? [],
    rangesMax: options.rangesMax ?? RANGES_MAX,
    readBytes: options.readBytes ?? 128 * 1024,
    cacheBytesMax: options.cacheBytesMax ?? 0,
    cacheFileBytesMax: options.cacheFileBytesMax ?? 1024 * 1024,
    cacheWindowMs: options.cacheWindowMs ?? 1000,
  };
}
