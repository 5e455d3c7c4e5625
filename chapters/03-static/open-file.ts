/**
 * A file that is open for reading: its descriptor, what was found out about it, and when it is closed: once, after the
 * last of its users has closed it and the last read has ended.
 */

import { constants } from 'node:fs';
import type { Stats } from 'node:fs';

import { fileError, isMissing } from './file-error.ts';
import { closeFile, openFile, readAt, statOpenFile } from './file-system.ts';

/**
 * The path is a real path, so its last name is not a link: if it has become one since, the open fails. And opening a
 * named pipe does not wait for somebody to write into it. (Windows has neither flag.)
 */
const READ_ONLY = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export class OpenFile {
  readonly path: string;
  /** Of the open file, not of whatever has that name by now. */
  readonly stats: Stats;
  readonly #fd: number;
  #users = 1;
  #reads = 0;

  private constructor(path: string, fd: number, stats: Stats) {
    this.path = path;
    this.#fd = fd;
    this.stats = stats;
  }

  /**
   * Opens a regular file.
   *
   * @param path a real path
   * @returns null if there is nothing, or something else: a directory, a pipe, a device
   * @throws HttpError 403, 503
   */
  static async open(path: string): Promise<OpenFile | null> {
    let fd: number;
    try {
      fd = await openFile(path, READ_ONLY);
    } catch (error) {
      if (isMissing(error)) return null;
      throw fileError(error);
    }
    try {
      const stats = await statOpenFile(fd);
      if (stats.isFile()) return new OpenFile(path, fd, stats);
    } catch (error) {
      await closeFile(fd);
      throw fileError(error);
    }
    await closeFile(fd);
    return null;
  }

  get size(): number {
    return this.stats.size;
  }

  /** Reads from a position. Resolves to the number of bytes: 0 at the end of the file, and once it is closed. */
  async read(buffer: Uint8Array, length: number, position: number): Promise<number> {
    if (this.#users === 0) return 0;
    this.#reads++;
    try {
      return await readAt(this.#fd, buffer, length, position);
    } finally {
      this.#reads--;
      this.#closeUnlessUsed();
    }
  }

  /** Whether it has not been written to since it was opened, as far as its times can tell. Only for a user of it. */
  async isUnchanged(): Promise<boolean> {
    const { size, mtimeMs } = await statOpenFile(this.#fd);
    return size === this.stats.size && mtimeMs === this.stats.mtimeMs;
  }

  /** Adds a user, which must close it too. False if it is closed already. */
  share(): boolean {
    if (this.#users === 0) return false;
    this.#users++;
    return true;
  }

  /** Closes the file for one user; to be called once by each. */
  close(): void {
    this.#users--;
    this.#closeUnlessUsed();
  }

  /**
   * A read in progress ends first: otherwise the descriptor's number would go to the next file that is opened, and the
   * read would be from that file.
   */
  #closeUnlessUsed(): void {
    if (this.#users > 0 || this.#reads > 0) return;
    // Nobody waits for this. That it may fail matters only to those who write.
    closeFile(this.#fd).catch(() => {});
  }
}
