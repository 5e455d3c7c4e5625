/**
 * A cache with a table of entries, each with the number of its last use, and a table of the fills under way.
 */

export interface FileCacheOptions<Value> {
  readonly bytesMax: number;
  readonly windowMs: number;
  readonly clock?: () => number;
  readonly onDrop?: (value: Value) => void;
}

export interface Filled<Value> {
  readonly value: Value;
  readonly bytes: number;
}

interface Slot<Value> extends Filled<Value> {
  readonly sinceMs: number;
  use: number;
}

export class FileCache<Value> {
  readonly #options: Required<FileCacheOptions<Value>>;
  readonly #slots: Record<string, Slot<Value>> = Object.create(null) as Record<string, Slot<Value>>;
  readonly #pending = new Map<string, { sinceMs: number; promise: Promise<Value> }>();
  #uses = 0;

  constructor(options: FileCacheOptions<Value>) {
    this.#options = { clock: () => performance.now(), onDrop: () => {}, ...options };
  }

  get bytes(): number {
    return Object.values(this.#slots).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get(key: string): Value | undefined {
    const slot = this.#slots[key];
    if (!slot || this.#isOld(slot.sinceMs)) return undefined;
    slot.use = ++this.#uses;
    return slot.value;
  }

  load(key: string, fill: (stale: Value | undefined) => Promise<Filled<Value>>): Promise<Value> {
    const pending = this.#pending.get(key);
    if (pending && !this.#isOld(pending.sinceMs)) return pending.promise;
    const sinceMs = this.#options.clock();
    const promise = this.#run(key, sinceMs, fill);
    const entry = { sinceMs, promise };
    this.#pending.set(key, entry);
    const forget = (): void => {
      if (this.#pending.get(key) === entry) this.#pending.delete(key);
    };
    promise.then(forget, forget);
    return promise;
  }

  drop(key: string, value: Value): void {
    if (this.#slots[key]?.value === value) this.#free(key);
  }

  #isOld(sinceMs: number): boolean {
    return this.#options.clock() - sinceMs >= this.#options.windowMs;
  }

  async #run(key: string, sinceMs: number, fill: (stale: Value | undefined) => Promise<Filled<Value>>): Promise<Value> {
    let filled: Filled<Value>;
    try {
      filled = await fill(this.#slots[key]?.value);
    } catch (error) {
      this.#free(key);
      throw error;
    }
    const there = this.#slots[key];
    if (there && there.sinceMs > sinceMs) {
      this.#options.onDrop(filled.value);
      return filled.value;
    }
    this.#free(key);
    if (filled.bytes > this.#options.bytesMax) {
      this.#options.onDrop(filled.value);
      return filled.value;
    }
    this.#slots[key] = { ...filled, sinceMs, use: ++this.#uses };
    while (this.bytes > this.#options.bytesMax) {
      const [oldest] = Object.entries(this.#slots).toSorted(([, a], [, b]) => a.use - b.use)[0] as [string, Slot<Value>];
      this.#free(oldest);
    }
    return filled.value;
  }

  #free(key: string): void {
    const slot = this.#slots[key];
    if (!slot) return;
    delete this.#slots[key];
    this.#options.onDrop(slot.value);
  }
}
