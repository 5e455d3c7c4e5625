/**
 * A chapter's driver: the few functions that its tests call inside the process
 * of the code under test. The tests themselves stay outside.
 *
 * Arguments and results cross a process boundary: plain values and bytes only.
 */

export type DriverFunction = (...args: never[]) => unknown;

/** Gives the exports of another chapter of the tree under test, one that the driver's own builds on. */
export type LoadChapter = (folder: string) => Promise<unknown>;

export interface Driver<Functions extends Record<string, DriverFunction> = Record<string, DriverFunction>> {
  readonly folder: string;
  readonly functions: (chapter: never, load: LoadChapter) => Functions;
}

/**
 * Describes a driver.
 *
 * @param folder the chapter's folder, such as `01-echo`; its `index.ts` is what `functions` is given
 * @param functions makes the functions out of the chapter's exports, and of those that it asks `load` for
 */
export function driver<Chapter>() {
  return <Functions extends Record<string, DriverFunction>>(
    folder: string,
    functions: (chapter: Chapter, load: LoadChapter) => Functions,
  ): Driver<Functions> => ({ folder, functions });
}

/** The functions that a driver offers, by name. */
export type FunctionsOf<D> = D extends Driver<infer Functions> ? Functions : never;

/** The chapter's `index.ts` lacks something that it must export. */
export class MissingExport extends Error {
  readonly exportName: string;

  constructor(exportName: string, folder: string) {
    super(`${folder}/index.ts does not export ${exportName}`);
    this.name = 'MissingExport';
    this.exportName = exportName;
  }
}

/** A function of the chapter gave back something that it must not. */
export class WrongResult extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WrongResult';
  }
}

/**
 * The timeouts of servers in rules that are not about time. A machine that is too busy for its own good must not make
 * the code under test cut a client that is slow for the same reason.
 */
export const patientTimeouts = { headerMs: 120_000, bodyMs: 120_000, idleMs: 120_000, sendMs: 120_000, lingerMs: 120_000 } as const;
