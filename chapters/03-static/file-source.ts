/**
 * Finds representations on the disk: a file, or an encoded sibling of it.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { extensions } from './accept-encoding.ts';
import type { CodingOrIdentity } from './accept-encoding.ts';
import { BufferPool } from './buffer-pool.ts';
import { FileContent } from './content.ts';
import { nullIfForbidden } from './file-error.ts';
import { OpenFile } from './open-file.ts';
import type { Settings } from './options.ts';
import { represent } from './representation.ts';
import type { Representation } from './representation.ts';
import type { Root } from './root.ts';

/** Where representations come from. */
export interface Source {
  /**
   * The representation of the file with these names below the root, in a coding; `null` if there is none. The caller
   * closes its content, or the body made from it.
   *
   * @throws HttpError 403, 503
   */
  find(names: readonly string[], coding: CodingOrIdentity): Representation | null | Promise<Representation | null>;
}

export class FileSource implements Source {
  readonly #root: Root;
  readonly #settings: Settings;
  readonly #pool: BufferPool;

  constructor(root: Root, settings: Settings) {
    this.#root = root;
    this.#settings = settings;
    this.#pool = new BufferPool(settings.readBytes);
  }

  async find(names: readonly string[], coding: CodingOrIdentity): Promise<Representation | null> {
    const file = await this.open(names, coding);
    if (file === null) return null;
    return represent(this.contentOf(file), names.at(-1)!, file.stats, coding, this.#settings);
  }

  /** A file as content; closing the content closes the file. */
  contentOf(file: OpenFile): FileContent {
    return new FileContent(file, this.#pool);
  }

  /** The file that holds that representation. */
  async open(names: readonly string[], coding: CodingOrIdentity): Promise<OpenFile | null> {
    if (coding !== 'identity') return this.#openSibling(names, extensions[coding]);
    const path = await this.#root.find(names);
    return path === null ? null : OpenFile.open(path);
  }

  /**
   * A sibling that is older than its original was made from an earlier version of it, and counts as missing. So does a
   * sibling that may not be read, since the original will do.
   */
  async #openSibling(names: readonly string[], extension: string): Promise<OpenFile | null> {
    // TODO 3.6  Open the sibling (`nullIfForbidden` is for the `catch` of that promise), and return it if the original
    //           is there too and is not newer. Close whatever else you have opened, on every way out.
    throw new NotImplemented('3.6');
  }
}
