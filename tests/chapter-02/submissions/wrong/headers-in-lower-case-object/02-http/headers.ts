/** Header fields in a plain object, by their lower-case name. */

export type HeaderPair = readonly [name: string, value: string];

export class HttpHeaders implements Iterable<HeaderPair> {
  readonly fields: Record<string, string> = {};

  constructor(text = '', offsets: readonly number[] = []) {
    for (let at = 0; at < offsets.length; at += 4) {
      const name = text.substring(offsets[at]!, offsets[at + 1]!).toLowerCase();
      const value = text.substring(offsets[at + 2]!, offsets[at + 3]!);
      this.fields[name] = value;
    }
  }

  static from(pairs: Iterable<HeaderPair>): HttpHeaders {
    const offsets: number[] = [];
    let text = '';
    for (const [name, value] of pairs) {
      const start = text.length;
      text += name + value;
      offsets.push(start, start + name.length, start + name.length, text.length);
    }
    return new HttpHeaders(text, offsets);
  }

  get size(): number {
    return Object.keys(this.fields).length;
  }

  get(name: string): string | undefined {
    return this.fields[name.toLowerCase()];
  }

  getAll(name: string): string[] {
    const value = this.get(name);
    return value === undefined ? [] : [value];
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  *[Symbol.iterator](): IterableIterator<HeaderPair> {
    yield* Object.entries(this.fields);
  }

  pairs(): HeaderPair[] {
    return Object.entries(this.fields);
  }

  toObject(): Record<string, string> {
    return { ...this.fields };
  }
}

export const noHeaders: HttpHeaders = new HttpHeaders();
