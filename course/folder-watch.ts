/**
 * Tells when something below a folder is saved.
 *
 * Node's `fs.watch(…, { recursive: true })` watches file by file on Linux and
 * goes blind once an editor saves by renaming a new file over the old one, as
 * vim and many others do (seen with Node 24.21). Watching each folder by itself
 * sees every way of saving, on every system.
 */
import { readdirSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

/** Dot-files, editors' own files and lessons: none of them changes a verdict. */
const IRRELEVANT = /(?:^|\/)(?:\.|#)|~$|\.(?:sw[a-z]|tmp|bak|md)$|(?:^|\/)(?:4913|node_modules)(?:\/|$)/;

/** Watches folders, which may vanish and come back, until it is closed. */
export class FolderWatch {
  readonly #roots: readonly string[];
  readonly #onSave: (file: string) => void;
  readonly #watchers = new Map<string, FSWatcher>();
  #closed = false;

  /**
   * @param roots absolute folders; their parents must exist
   * @param onSave is given the file that changed, as `01-echo/echo.ts`
   */
  constructor(roots: readonly string[], onSave: (file: string) => void) {
    this.#roots = roots;
    this.#onSave = onSave;
    this.#scan();
  }

  close(): void {
    this.#closed = true;
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
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#add(folder);
  }

  #add(folder: string): void {
    try {
      const watcher = watch(folder, (event, name) => this.#changed(event, folder, name));
      // On Windows a watched folder that is deleted is an error.
      watcher.on('error', () => this.#forget(folder));
      this.#watchers.set(folder, watcher);
    } catch {
      // Gone again already; whatever removed it wakes its parent's watcher.
    }
  }

  #forget(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  #changed(event: string, folder: string, name: string | null): void {
    if (this.#closed) return;
    const path = name === null ? folder : join(folder, name);
    const root = this.#roots.find((one) => path === one || path.startsWith(one + sep));
    if (root === undefined) return;
    // A folder that was deleted and made again has the same path and a dead watcher.
    if (event === 'rename') this.#forgetBelow(path);
    this.#scan();
    const file = relative(dirname(root), path).replaceAll('\\', '/');
    if (!IRRELEVANT.test(file)) this.#onSave(file);
  }

  #forgetBelow(root: string): void {
    for (const folder of this.#watchers.keys()) {
      if (folder === root || folder.startsWith(root + sep)) this.#forget(folder);
    }
  }
}

function addFolders(folder: string, into: Set<string>): void {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return;
  }
  into.add(folder);
  for (const entry of entries) {
    if (entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules') {
      addFolders(join(folder, entry.name), into);
    }
  }
}
