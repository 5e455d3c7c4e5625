/**
 * Values of a limited size, each believed for a limited time. Knows nothing of files.
 *
 * - Never more bytes than `bytesMax`: what has not been used for longest goes first (LRU).
 * - Never a value whose last check began `windowMs` ago or longer.
 * - Never two fills for one key within `windowMs`: a second caller waits for the fill that the first one started. A
 *   fill that began longer ago would be too old when it ends, so a later caller starts another, and the newer one wins.
 */

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
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#clock() - entry.checkedAtMs >= this.#windowMs) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /**
   * Fills a key, or waits for the fill that is under way.
   *
   * @param fill is given the value that may no longer be believed, if there is one: checking can be cheaper than
   *   reading
   * @throws what the fill throws; then the key has no value
   */
  load(key: string, fill: (stale: Value | undefined) => Promise<Filled<Value>>): Promise<Value> {
    const now = this.#clock();
    const underWay = this.#fills.get(key);
    if (underWay !== undefined && now - underWay.startedAtMs < this.#windowMs) return underWay.filled;
    const started: Fill<Value> = { startedAtMs: now, filled: this.#fill(key, now, fill) };
    this.#fills.set(key, started);
    const ended = (): void => {
      if (this.#fills.get(key) === started) this.#fills.delete(key);
    };
    // A failure is for those who wait for the value.
    started.filled.finally(ended).catch(() => undefined);
    return started.filled;
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
    // A fill that began earlier and took longer knows less than what is there.
    const isOutdated = (this.#entries.get(key)?.checkedAtMs ?? -Infinity) > entry.checkedAtMs;
    if (!isOutdated) this.#remove(key);
    if (isOutdated || entry.bytes > this.#bytesMax) {
      this.#onDrop(entry.value);
      return;
    }
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#remove(oldest);
    }
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    this.#onDrop(entry.value);
  }
}
