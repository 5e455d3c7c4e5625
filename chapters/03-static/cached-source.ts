/**
 * Keeps small files in memory and larger ones open, with what is said about them, and asks the disk again when the
 * window is over.
 *
 * A file in memory is sent as it was when it was last checked. After the window it is opened again, and read again
 * unless its size and times prove that it has not changed. A file that is kept open is read from the disk for each
 * response, so it is checked for each response, too; it is closed when its window is over and nobody uses it.
 */

import type { Stats } from 'node:fs';

import { startDeadline } from '../01-echo/index.ts';
import type { CodingOrIdentity } from './accept-encoding.ts';
import { MemoryContent } from './content.ts';
import { FileCache } from './file-cache.ts';
import type { Filled } from './file-cache.ts';
import type { FileSource, Source } from './file-source.ts';
import type { OpenFile } from './open-file.ts';
import type { Settings } from './options.ts';
import { represent } from './representation.ts';
import type { Representation } from './representation.ts';

/** What is known about a path: nothing is there, or there is a file that is not to be kept, is open, or is in memory. */
type Known = { readonly kind: 'missing' } | { readonly kind: 'not-kept' } | Open | Kept;

interface Open {
  readonly kind: 'open';
  readonly file: OpenFile;
  /** Its content is not to be used: each response makes one of its own. */
  readonly representation: Representation;
}

interface Kept {
  readonly kind: 'kept';
  readonly representation: Representation;
  readonly bytes: Buffer;
  readonly stats: Stats;
  /** Whether an equal time of change proves equal bytes, because it was already old when they were read. */
  readonly settled: boolean;
}

/** Two changes this close together may have the same time of change: some file systems count in steps of 2 s. */
const TIME_STEP_MS = 2000;

/** What an open file counts as. It takes less, but this keeps their number far below what a process may have open. */
const OPEN_FILE_BYTES = 256 * 1024;

export class CachedSource implements Source {
  readonly #files: FileSource;
  readonly #settings: Settings;
  readonly #cache: FileCache<Known>;

  constructor(files: FileSource, settings: Settings) {
    this.#files = files;
    this.#settings = settings;
    this.#cache = new FileCache<Known>({
      bytesMax: settings.cacheBytesMax,
      windowMs: settings.cacheWindowMs,
      onDrop: (known) => {
        if (known.kind === 'open') known.file.close();
      },
    });
  }

  find(names: readonly string[], coding: CodingOrIdentity): Representation | null | Promise<Representation | null> {
    const key = keyOf(names, coding);
    const known = this.#cache.get(key);
    // A file in memory is found at once, without a promise.
    if (known !== undefined) return this.#answer(known, names, coding);
    return this.#cache.load(key, (stale) => this.#fill(names, coding, stale)).then((value) => this.#answer(value, names, coding));
  }

  #answer(known: Known, names: readonly string[], coding: CodingOrIdentity): Representation | null | Promise<Representation | null> {
    if (known.kind === 'kept') return known.representation;
    if (known.kind === 'missing') return null;
    if (known.kind === 'open' && known.file.share()) return this.#answerOpen(known, names, coding);
    return this.#files.find(names, coding);
  }

  /** Bytes come from the disk as they are now, so what is said about them must be true now. */
  async #answerOpen(known: Open, names: readonly string[], coding: CodingOrIdentity): Promise<Representation | null> {
    const content = this.#files.contentOf(known.file);
    try {
      if (await known.file.isUnchanged()) return { ...known.representation, content };
    } catch (error) {
      content.close();
      throw error;
    }
    content.close();
    return this.#files.find(names, coding);
  }

  async #fill(names: readonly string[], coding: CodingOrIdentity, stale: Known | undefined): Promise<Filled<Known>> {
    const file = await this.#files.open(names, coding);
    if (file === null) return { value: { kind: 'missing' }, bytes: 0 };
    if (file.size > this.#settings.cacheFileBytesMax) return this.#keepOpen(file, names, coding);
    try {
      return await this.#fillFromSmall(file, names, coding, stale);
    } finally {
      file.close();
    }
  }

  /** Keeps a file open, for one window only: if it is deleted, it must not take up room on the disk for longer. */
  #keepOpen(file: OpenFile, names: readonly string[], coding: CodingOrIdentity): Filled<Known> {
    const representation = represent(this.#files.contentOf(file), names.at(-1)!, file.stats, coding, this.#settings);
    const value: Known = { kind: 'open', file, representation };
    startDeadline(() => this.#cache.drop(keyOf(names, coding), value), this.#settings.cacheWindowMs).unref();
    return { value, bytes: OPEN_FILE_BYTES };
  }

  async #fillFromSmall(file: OpenFile, names: readonly string[], coding: CodingOrIdentity, stale: Known | undefined): Promise<Filled<Known>> {
    if (stale?.kind === 'kept' && stale.settled && isSame(stale.stats, file.stats)) {
      return this.#keep(stale.bytes, file.stats, true, names, coding);
    }
    const settled = Date.now() - Math.max(file.stats.mtimeMs, file.stats.ctimeMs) > TIME_STEP_MS;
    const bytes = await readWhole(file);
    // Somebody is writing to it: what was read is neither the old version nor the new one.
    return bytes === null ? { value: { kind: 'not-kept' }, bytes: 0 } : this.#keep(bytes, file.stats, settled, names, coding);
  }

  /** Describes the file anew even if the bytes are the same: a tag that was weak may be strong by now. */
  #keep(bytes: Buffer, stats: Stats, settled: boolean, names: readonly string[], coding: CodingOrIdentity): Filled<Known> {
    const representation = represent(new MemoryContent(bytes), names.at(-1)!, stats, coding, this.#settings);
    return { value: { kind: 'kept', representation, bytes, stats, settled }, bytes: bytes.length };
  }
}

/** No name has a slash in it, so no two paths have the same key. */
function keyOf(names: readonly string[], coding: CodingOrIdentity): string {
  return `${coding}/${names.join('/')}`;
}

function isSame(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.dev === b.dev && a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs;
}

/** All bytes of a file; `null` if the file is shorter, or has changed, by the time they have been read. */
async function readWhole(file: OpenFile): Promise<Buffer | null> {
  const bytes = Buffer.allocUnsafeSlow(file.size);
  for (let position = 0; position < bytes.length; ) {
    const bytesRead = await file.read(bytes.subarray(position), bytes.length - position, position);
    if (bytesRead === 0) return null;
    position += bytesRead;
  }
  return (await file.isUnchanged()) ? bytes : null;
}
