/** Header fields as a Map of arrays, and the pairs as they came. */

export type HeaderPair = readonly [name: string, value: string];

export class HttpHeaders implements Iterable<HeaderPair> {
  readonly #pairs: HeaderPair[];
  readonly #values = new Map<string, string[]>();

  constructor(text = '', offsets: readonly number[] = []) {
    this.#pairs = [];
    for (let at = 0; at < offsets.length; at += 4) {
      this.#add(text.slice(offsets[at], offsets[at + 1]), text.slice(offsets[at + 2], offsets[at + 3]));
    }
  }

  static from(pairs: Iterable<HeaderPair>): HttpHeaders {
    const headers = new HttpHeaders();
    for (const [name, value] of pairs) headers.#add(name, value);
    return headers;
  }

  #add(name: string, value: string): void {
    this.#pairs.push([name, value]);
    const lower = name.toLowerCase();
    const values = this.#values.get(lower);
    if (values) values.push(value);
    else this.#values.set(lower, [value]);
  }

  get size(): number {
    return this.#pairs.length;
  }

  get(name: string): string | undefined {
    return this.#values.get(name.toLowerCase())?.join(', ');
  }

  getAll(name: string): string[] {
    return [...(this.#values.get(name.toLowerCase()) ?? [])];
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }

  [Symbol.iterator](): IterableIterator<HeaderPair> {
    return this.#pairs[Symbol.iterator]();
  }

  pairs(): HeaderPair[] {
    return [...this.#pairs];
  }

  toObject(): Record<string, string> {
    return Object.assign(Object.create(null) as Record<string, string>, Object.fromEntries([...this.#values].map(([name, values]) => [name, values.join(', ')])));
  }
}

export const noHeaders: HttpHeaders = new HttpHeaders();
