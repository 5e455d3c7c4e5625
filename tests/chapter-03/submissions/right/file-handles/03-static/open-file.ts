/**
 * A file that is open for reading, as a FileHandle; closed when its last user has closed it and no read is under way.
 */

import { constants } from 'node:fs';
import type { Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

import { fileError, isMissing } from './file-error.ts';

export class OpenFile {
  readonly path: string;
  readonly stats: Stats;
  readonly #handle: FileHandle;
  #users = 1;
  #idle: Promise<unknown> = Promise.resolve();

  private constructor(path: string, handle: FileHandle, stats: Stats) {
    this.path = path;
    this.#handle = handle;
    this.stats = stats;
  }

  static async open(path: string): Promise<OpenFile | null> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0));
      const stats = await handle.stat();
      if (stats.isFile()) return new OpenFile(path, handle, stats);
      await handle.close();
      return null;
    } catch (error) {
      await handle?.close();
      if (isMissing(error)) return null;
      throw fileError(error);
    }
  }

  get size(): number {
    return this.stats.size;
  }

  async read(buffer: Uint8Array, length: number, position: number): Promise<number> {
    if (this.#users === 0) return 0;
    const reading = this.#handle.read(buffer, 0, length, position);
    this.#idle = Promise.allSettled([this.#idle, reading]);
    return (await reading).bytesRead;
  }

  async isUnchanged(): Promise<boolean> {
    const { size, mtimeMs } = await this.#handle.stat();
    return size === this.stats.size && mtimeMs === this.stats.mtimeMs;
  }

  share(): boolean {
    if (this.#users === 0) return false;
    this.#users++;
    return true;
  }

  close(): void {
    this.#users--;
    if (this.#users > 0) return;
    this.#idle.then(() => this.#handle.close()).catch(() => {});
  }
}
