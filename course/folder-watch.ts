/**
 * Tells when something below a folder is saved.
 *
 * Node's `fs.watch(…, { recursive: true })` watches file by file on Linux and
 * goes blind once an editor saves by renaming a new file over the old one, as
 * vim and many others do (seen with Node 24.21). Watching each folder by itself
 * sees every way of saving, on every system.
 *
 * A system has a limited number of watches to give, and an editor or another watch may
 * have taken the last one. Then the files are looked at in turn, and it is said.
 */
import { readdirSync, statSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

/** Dot-files, editors' own files and lessons: none of them changes a verdict. */
const IRRELEVANT = /(?:^|\/)(?:\.|#)|~$|\.(?:sw[a-z]|tmp|bak|md)$|(?:^|\/)(?:4913|node_modules)(?:\/|$)/;

/** How often files are looked at where they cannot be watched. */
const POLL_MS = 500;

export interface WatchEvents {
  /** Is given the file that changed, as `01-echo/echo.ts`. */
  readonly onSave: (file: string) => void;
  /** The system gives no watch: from now on the files are looked at instead. */
  readonly onPolling: (error: NodeJS.ErrnoException) => void;
}

/** Watches folders, which may vanish and come back, until it is closed. */
export class FolderWatch {
  readonly #roots: readonly string[];
  readonly #events: WatchEvents;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #watchFolder: typeof watch;
  #polling: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * @param roots absolute folders; their parents must exist
   * @param watchFolder in a test, one that fails
   */
  constructor(roots: readonly string[], events: WatchEvents, watchFolder: typeof watch = watch) {
    this.#roots = roots;
    this.#events = events;
    this.#watchFolder = watchFolder;
    this.#scan();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#polling);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  /** Watches every folder that is there, and forgets those that are gone. */
  #scan(): void {
    const folders = new Set<string>();
    for (const root of this.#roots) {
      folders.add(dirname(root));
      addFolders(root, folders);
    }
    for (const folder of this.#watchers.keys()) if (!folders.has(folder)) this.#forget(folder);
    for (const folder of folders) if (this.#polling === undefined && !this.#watchers.has(folder)) this.#add(folder);
  }

  #add(folder: string): void {
    try {
      const watcher = this.#watchFolder(folder, (event, name) => this.#changed(event, folder, name));
      // On Windows a watched folder that is deleted is an error.
      watcher.on('error', () => this.#forget(folder));
      this.#watchers.set(folder, watcher);
    } catch (error) {
      // Gone again already; what removed it wakes its parent's watcher.
      if (!isGone(error)) this.#poll(error as NodeJS.ErrnoException);
    }
  }

  /** Looks at every file twice a second, which costs little with the few files of a chapter. */
  #poll(error: NodeJS.ErrnoException): void {
    for (const folder of [...this.#watchers.keys()]) this.#forget(folder);
    let before = this.#states();
    this.#polling = setInterval(() => {
      const now = this.#states();
      for (const file of new Set([...before.keys(), ...now.keys()])) {
        if (before.get(file) !== now.get(file)) this.#events.onSave(file);
      }
      before = now;
    }, POLL_MS);
    this.#events.onPolling(error);
  }

  /** Every file that matters, with what changes when it is saved. */
  #states(): Map<string, string> {
    const states = new Map<string, string>();
    const folders = new Set<string>();
    for (const root of this.#roots) addFolders(root, folders);
    for (const folder of folders) {
      for (const name of namesIn(folder)) {
        const path = join(folder, name);
        const file = this.#nameOf(path);
        const stats = statSync(path, { throwIfNoEntry: false });
        if (stats?.isFile() && file !== undefined) states.set(file, `${stats.mtimeMs} ${stats.size} ${stats.ino}`);
      }
    }
    return states;
  }

  /** `01-echo/echo.ts`; undefined for what changes no verdict. */
  #nameOf(path: string): string | undefined {
    const root = this.#roots.find((one) => path === one || path.startsWith(one + sep));
    if (root === undefined) return undefined;
    const file = relative(dirname(root), path).replaceAll('\\', '/');
    return IRRELEVANT.test(file) ? undefined : file;
  }

  #forget(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  #changed(event: string, folder: string, name: string | null): void {
    if (this.#closed) return;
    const path = name === null ? folder : join(folder, name);
    if (!this.#roots.some((one) => path === one || path.startsWith(one + sep))) return;
    // A folder that was deleted and made again has the same path and a dead watcher.
    if (event === 'rename') this.#forgetBelow(path);
    this.#scan();
    const file = this.#nameOf(path);
    if (file !== undefined) this.#events.onSave(file);
  }

  #forgetBelow(root: string): void {
    for (const folder of this.#watchers.keys()) {
      if (folder === root || folder.startsWith(root + sep)) this.#forget(folder);
    }
  }
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function addFolders(folder: string, into: Set<string>): void {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    // What cannot be read cannot be checked either, and the check says so.
    if (isGone(error) || (error as NodeJS.ErrnoException).code === 'EACCES') return;
    throw error;
  }
  into.add(folder);
  for (const entry of entries) {
    if (entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules') {
      addFolders(join(folder, entry.name), into);
    }
  }
}
