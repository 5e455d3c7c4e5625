/**
 * Values of a limited size, each believed for a limited time. Knows nothing of files.
 *
 * - Never more bytes than `bytesMax`: what has not been used for longest goes first (LRU).
 * - Never a value whose last check began `windowMs` ago or longer.
 * - Never two fills for one key within `windowMs`: a second caller waits for the fill that the first one started. A
 *   fill that began longer ago would be too old when it ends, so a later caller starts another, and the newer one wins.
 */

import { NotImplemented } from '#course/not-implemented.ts';

export interface FileCacheOptions<Value> {
  readonly bytesMax: number;
  readonly windowMs: number;
  /** A clock in milliseconds that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
  /** Called with each value that is dropped, or that was not kept at all. */
  readonly onDrop?: (value: Value) => void;
}

/** What a fill resolves to. */
export interface Filled<Value> {
  readonly value: Value;
  /** What the value takes in memory. */
  readonly bytes: number;
}

interface Entry<Value> extends Filled<Value> {
  readonly checkedAtMs: number;
}

interface Fill<Value> {
  readonly startedAtMs: number;
  readonly filled: Promise<Value>;
}

/** What an entry takes besides its value: key, headers, places in maps. */
const ENTRY_BYTES = 1024;

export class FileCache<Value> {
  readonly #bytesMax: number;
  readonly #windowMs: number;
  readonly #clock: () => number;
  readonly #onDrop: (value: Value) => void;
  /** A Map keeps the order of insertion: the first entry is the one that has not been used for longest. */
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #fills = new Map<string, Fill<Value>>();
  #bytes = 0;

  constructor(options: FileCacheOptions<Value>) {
    this.#bytesMax = options.bytesMax;
    this.#windowMs = options.windowMs;
    this.#clock = options.clock ?? (() => performance.now());
    this.#onDrop = options.onDrop ?? (() => {});
  }

  /** How many bytes are taken, including those of the entries themselves. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The value of a key, if it may still be believed. */
  get(key: string): Value | undefined {
    // TODO 3.7  The value, if its check began less than `windowMs` ago; its key is then the one used most recently.
    throw new NotImplemented('3.7');
  }

  /**
   * Fills a key, or waits for the fill that is under way.
   *
   * @param fill is given the value that may no longer be believed, if there is one: checking can be cheaper than
   *   reading
   * @throws what the fill throws; then the key has no value
   */
  load(key: string, fill: (stale: Value | undefined) => Promise<Filled<Value>>): Promise<Value> {
    // TODO 3.7  Start a fill with `#fill`, unless a fill for this key is under way that began less than `windowMs` ago:
    //           then wait for that one. When a fill has ended, in whatever way, it is no longer under way; another one
    //           that began after it still is.
    throw new NotImplemented('3.7');
  }

  /** Drops a value, unless another has taken its place. */
  drop(key: string, value: Value): void {
    if (this.#entries.get(key)?.value === value) this.#remove(key);
  }

  async #fill(key: string, now: number, fill: (stale: Value | undefined) => Promise<Filled<Value>>): Promise<Value> {
    try {
      const { value, bytes } = await fill(this.#entries.get(key)?.value);
      this.#put(key, { value, bytes: bytes + ENTRY_BYTES, checkedAtMs: now });
      return value;
    } catch (error) {
      this.#remove(key);
      throw error;
    }
  }

  #put(key: string, entry: Entry<Value>): void {
    // TODO 3.7  Replace the key's former entry with this one, and drop entries, the least recently used first, until
    //           the rest fit. An entry that is too large by itself is dropped at once, and the former one goes too.
    //           An entry with an older check than the former one is also dropped at once, but the former one stays.
    throw new NotImplemented('3.7');
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    this.#onDrop(entry.value);
  }
}
