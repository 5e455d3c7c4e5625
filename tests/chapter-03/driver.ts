/** What the tests of chapter 03 do inside the process of the code under test. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type * as Http from '#subject/02-http/index.ts';
import type * as Static from '#subject/03-static/index.ts';
import { driver, patientTimeouts, WrongResult } from '#support/driver.ts';
import { shiftClock } from '#support/shift-clock.ts';
import type { Address } from '#support/tcp-client.ts';

export type Pairs = (readonly [name: string, value: string])[];

/** How a function took an input: with a value, by refusing it with a status, or by breaking. */
export type Outcome<Value> = { accepted: Value } | { refused: number } | { threw: string };

/** `staticFiles(root, options)` on chapter 02's server. */
export interface ServeSetup {
  root: string;
  options?: Static.StaticOptions;
  timeouts?: Partial<Http.HttpTimeouts>;
  /** Reports each response to `logged`. */
  log?: boolean;
}

/** What the access log was told about a response. */
export interface LoggedResponse {
  method: string;
  target: string;
  status: number;
  bytes: number;
  timeMs: number;
}

/** The part of a log entry that its line is made from. */
export interface LogLineCase {
  method: string;
  target: string;
  httpVersion: string;
  remoteAddress: string | undefined;
  status: number;
  bytes: number;
  timeMs: number;
}

/** One step of a story that a FileCache is told, in its own time. */
export type CacheStep =
  | { do: 'wait'; ms: number }
  | { do: 'get'; key: string }
  | { do: 'drop'; key: string; value: string }
  /** Begins a load whose fill waits until `settle` of the same name. */
  | { do: 'load'; key: string; fill: string }
  | { do: 'settle'; fill: string; value: string; bytes: number }
  | { do: 'fail'; fill: string }
  /** A load whose fill gives its value at once. */
  | { do: 'put'; key: string; value: string; bytes: number };

/** What was seen after each step. */
export interface CacheSight {
  /** What `get` returned, what a load resolved to; `undefined` if there was nothing yet. */
  value: string | undefined;
  bytes: number;
  /** How many fills have been called so far. */
  fills: number;
  /** What the last fill was given as the stale value. */
  stale: string | undefined;
  /** The values that `onDrop` was called with in this step. */
  dropped: string[];
}

/** One step in the life of a body. `to the end`: asks for what is left, and each read ends. */
export type BodyStep = 'next' | 'read ahead' | 'end of read' | 'to the end' | 'close';

/** What a body and those around it did. A buffer of the pool has a number; other memory has 0. */
export type BodyDeed =
  | { did: 'take' | 'give back' | 'begin to read' | 'end to read' | 'give out'; buffer: number }
  | { did: 'ask' | 'finish' | 'close' }
  | { did: 'throw'; message: string };

/** More files than a process has open by itself, and few enough to be used up in no time. */
const DESCRIPTORS_MAX = 256;

/** A user and a group that own nothing. */
const NOBODY = 65_534;

export default driver<typeof Static>()('03-static', (chapter, load) => {
  const errors: string[] = [];
  let server: Http.HttpServer | undefined;
  const homeZone = process.env.TZ ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const http = load('02-http') as Promise<typeof Http>;
  const taken: number[] = [];
  const logged: LoggedResponse[] = [];
  const roots = new Map<string, Static.Root>();

  function outcome<Value>(run: () => Value): Outcome<Value> {
    try {
      return { accepted: run() };
    } catch (error) {
      return refusal(error);
    }
  }

  async function outcomeOf<Value>(run: () => Promise<Value>): Promise<Outcome<Value>> {
    try {
      return { accepted: await run() };
    } catch (error) {
      return refusal(error);
    }
  }

  function refusal(error: unknown): { refused: number } | { threw: string } {
    // A starter that is not begun, and the driver's own findings.
    if (error instanceof WrongResult || (error instanceof Error && 'exercise' in error)) throw error;
    const status = (error as { status?: unknown } | null)?.status;
    if (typeof status === 'number') return { refused: status };
    return { threw: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }

  return {
    // 3.1

    /** Reads paths as they are in a request. */
    decodePaths: (paths: string[], rules?: Static.NameRules) =>
      paths.map((path) =>
        outcome(() => {
          const decoded = chapter.decodePath(path, rules);
          if (!Array.isArray(decoded?.names)) throw new WrongResult(`decodePath must return names; it returned ${String(decoded)}`);
          return { names: [...decoded.names] as string[], isDirectory: decoded.isDirectory };
        }),
      ),

    mayBeServed: (names: string[], rules?: Static.NameRules) => names.map((name) => outcome(() => chapter.mayBeServed(name, rules))),

    areWithin: (cases: { directory: string; path: string }[]) => cases.map(({ directory, path }) => outcome(() => chapter.isWithin(directory, path))),

    /** To root, nothing is forbidden: go on as nobody. */
    dropRights: () => {
      if (process.getuid?.() !== 0) return;
      process.setgid?.(NOBODY);
      process.setuid?.(NOBODY);
    },

    /** Looks up paths below a directory, one after the other. */
    resolvePaths: async (root: string, paths: string[], options?: Static.RootOptions) => {
      const outcomes: Outcome<string>[] = [];
      for (const path of paths) outcomes.push(await outcomeOf(async () => await chapter.resolvePath(root, path, options)));
      return outcomes;
    },

    /** The same, below one `Root` that stays the same from call to call. */
    resolveBelow: async (path: string, paths: string[]) => {
      const root = roots.get(path) ?? new chapter.Root(path);
      roots.set(path, root);
      const outcomes: Outcome<string>[] = [];
      for (const one of paths) outcomes.push(await outcomeOf(async () => await chapter.resolvePath(root, one)));
      return outcomes;
    },

    // 3.2

    mediaTypes: (names: string[]) => names.map((name) => outcome(() => chapter.mediaType(name))),

    /**
     * Takes a body through its life: its file reads when told to, and its pool is watched.
     *
     * @param lastPos of the range, which begins at 0
     */
    bodyStory: async ({ fileBytes, bufferBytes, lastPos }: { fileBytes: number; bufferBytes: number; lastPos: number }, steps: BodyStep[]) => {
      const deeds: BodyDeed[] = [];
      const known: ArrayBufferLike[] = [];
      const numberOf = (bytes: Uint8Array | undefined): number => 1 + known.findIndex((memory) => memory === bytes?.buffer);
      class WatchedPool extends chapter.BufferPool {
        override take(): Buffer {
          const buffer = super.take();
          if (numberOf(buffer) === 0) known.push(buffer.buffer);
          deeds.push({ did: 'take', buffer: numberOf(buffer) });
          return buffer;
        }

        override giveBack(buffer: Buffer): void {
          deeds.push({ did: 'give back', buffer: numberOf(buffer) });
          super.giveBack(buffer);
        }
      }
      const reads: (() => void)[] = [];
      const read = async (into: Uint8Array, length: number, position: number): Promise<number> => {
        const buffer = numberOf(into);
        deeds.push({ did: 'begin to read', buffer });
        await new Promise<void>((resolve) => reads.push(resolve));
        deeds.push({ did: 'end to read', buffer });
        return Math.max(0, Math.min(length, fileBytes - position));
      };
      const body = new chapter.FileBody({ read }, new WatchedPool(bufferBytes), { firstPos: 0, lastPos }, () => {});
      let unwritten: unknown;
      const failed = (error: unknown): void => {
        if (error instanceof Error && 'exercise' in error) unwritten = error;
        deeds.push({ did: 'throw', message: error instanceof Error ? error.message : String(error) });
      };
      const turns = async (): Promise<void> => {
        for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      };
      const run = async (step: BodyStep): Promise<void> => {
        if (step === 'next') {
          deeds.push({ did: 'ask' });
          body.next().then(({ done, value }) => deeds.push(done === true ? { did: 'finish' } : { did: 'give out', buffer: numberOf(value) }), failed);
        } else if (step === 'read ahead') body.readAhead().catch(failed);
        else if (step === 'end of read') reads.shift()?.();
        else if (step === 'close') {
          deeds.push({ did: 'close' });
          body.close();
        } else {
          for (let pieces = 0; pieces < 20 && !deeds.some(({ did }) => did === 'finish' || did === 'throw'); pieces++) {
            await run('next');
            while (reads.length > 0) await run('end of read');
          }
        }
        await turns();
      };
      for (const step of steps) await run(step);
      if (unwritten !== undefined) throw unwritten;
      return deeds;
    },

    /** The files below a directory that this process holds open. Linux only. */
    openFiles: (directory: string) =>
      readdirSync('/proc/self/fd').flatMap((descriptor) => {
        try {
          const path = readlinkSync(`/proc/self/fd/${descriptor}`);
          return path.startsWith(directory) ? [path] : [];
        } catch {
          return []; // gone since
        }
      }),

    /**
     * Bytes that this process has read so far, from files and from sockets (Linux only; 0 elsewhere), and the memory
     * that it has.
     */
    consumption: () => ({
      readBytes: process.platform === 'linux' ? Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'latin1'))?.[1]) : 0,
      residentBytes: process.memoryUsage.rss(),
    }),

    /** The memory in use once garbage has been collected. */
    residentAfterCollection: () => {
      setFlagsFromString('--expose-gc');
      const collect = runInNewContext('gc') as () => void;
      collect();
      collect();
      return process.memoryUsage.rss();
    },

    /** Opens as many files as this process may. Linux only. */
    takeDescriptors: () => {
      const limited = spawnSync('prlimit', ['--pid', String(process.pid), `--nofile=${DESCRIPTORS_MAX}:`]);
      if (limited.status !== 0) throw new Error(`prlimit: ${limited.error?.message ?? String(limited.stderr)}`);
      // Node opens a file to look this up, and the tests ask for it now and then.
      const residentBytes = process.memoryUsage.rss();
      process.memoryUsage.rss = () => residentBytes;
      try {
        for (;;) taken.push(openSync('/dev/null', 'r'));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error;
      }
    },

    giveDescriptorsBack: () => taken.splice(0).forEach((descriptor) => closeSync(descriptor)),

    // 3.3

    escapedTexts: (texts: string[]) => texts.map((text) => outcome(() => chapter.escapeHtml(text))),

    listingPage: (names: string[], entries: Static.DirectoryEntry[]) => outcome(() => chapter.listingPage(names, entries)),

    // 3.4

    preconditions: async (cases: { method: string; fields: Pairs; current: Static.Validators }[]) => {
      const { HttpHeaders } = await http;
      return cases.map(({ method, fields, current }) => outcome(() => chapter.evaluatePreconditions(method, HttpHeaders.from(fields), current)));
    },

    httpDates: (values: string[], nowMs?: number) => values.map((value) => outcome(() => chapter.parseHttpDate(value, nowMs))),

    entityTags: (cases: { version: { size: number; mtimeMs: number }; coding: string; nowMs: number }[]) =>
      cases.map(({ version, coding, nowMs }) => outcome(() => chapter.entityTag(version, coding, nowMs))),

    tagLists: (values: string[]) =>
      values.map((value) =>
        outcome(() => {
          const tags = chapter.parseEntityTags(value);
          return tags === '*' ? '*' : [...tags];
        }),
      ),

    tagMatches: (cases: { a: string; b: string }[]) =>
      cases.map(({ a, b }) => ({ strongly: outcome(() => chapter.matchesStrongly(a, b)), weakly: outcome(() => chapter.matchesWeakly(a, b)) })),

    // 3.5

    ranges: (cases: { value: string; size: number; rangesMax?: number }[]) =>
      cases.map(({ value, size, rangesMax }) =>
        outcome(() => {
          const ranges = rangesMax === undefined ? chapter.parseRange(value, size) : chapter.parseRange(value, size, rangesMax);
          return ranges === null ? null : Array.from(ranges, ({ firstPos, lastPos }) => [firstPos, lastPos] as [number, number]);
        }),
      ),

    ifRanges: (cases: { value: string; current: Static.Validators; nowMs: number }[]) =>
      cases.map(({ value, current, nowMs }) => outcome(() => chapter.ifRangeHolds(value, current, nowMs))),

    // 3.6

    codings: (cases: { value: string | undefined; available: Static.Coding[] }[]) =>
      cases.map(({ value, available }) => outcome(() => [...chapter.preferredCodings(value, available)])),

    // 3.7

    /** Tells a FileCache a story and says what was seen after each step. */
    cacheStory: async (options: { bytesMax: number; windowMs: number }, steps: CacheStep[]) => {
      let nowMs = 0;
      let fills = 0;
      let stale: string | undefined;
      let dropped: string[] = [];
      const cache = new chapter.FileCache<string>({ ...options, clock: () => nowMs, onDrop: (value) => dropped.push(value) });
      const held = new Map<string, { promise: Promise<Static.Filled<string>>; resolve: (filled: Static.Filled<string>) => void; reject: (error: Error) => void }>();
      const results = new Map<string, string>();
      const fillOf = (fill: () => Promise<Static.Filled<string>>) => async (before: string | undefined) => {
        fills++;
        stale = before;
        return await fill();
      };
      const gate = (name: string) => {
        const found = held.get(name) ?? Promise.withResolvers<Static.Filled<string>>();
        held.set(name, found);
        // A fill that nobody has called may fail, too.
        found.promise.catch(() => {});
        return found;
      };
      const run = async (step: CacheStep): Promise<string | undefined> => {
        switch (step.do) {
          case 'wait':
            nowMs += step.ms;
            return undefined;
          case 'get':
            return cache.get(step.key);
          case 'drop':
            cache.drop(step.key, step.value);
            return undefined;
          case 'put':
            return await cache.load(step.key, fillOf(() => Promise.resolve({ value: step.value, bytes: step.bytes })));
          case 'load':
            cache.load(step.key, fillOf(() => gate(step.fill).promise)).then(
              (value) => results.set(step.fill, value),
              (error: unknown) => results.set(step.fill, `rejected: ${error instanceof Error ? error.message : String(error)}`),
            );
            return undefined;
          case 'settle':
            gate(step.fill).resolve({ value: step.value, bytes: step.bytes });
            break;
          case 'fail':
            gate(step.fill).reject(new Error('the fill failed'));
            break;
        }
        // Code that waits for it hears about it within a few turns.
        for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
        return results.get(step.fill);
      };
      const sights: CacheSight[] = [];
      for (const step of steps) {
        const value = await run(step);
        sights.push({ value, bytes: cache.bytes, fills, stale, dropped });
        dropped = [];
      }
      return { sights, results: [...results] };
    },

    logLines: (cases: LogLineCase[]) =>
      cases.map(({ status, bytes, timeMs, ...request }) => outcome(() => chapter.logLine({ request: request as unknown as Http.HttpRequest, status, bytes, timeMs }))),

    // over the wire

    serve: async ({ root, options, timeouts, log = false }: ServeSetup): Promise<Address> => {
      const { serveHttp } = await http;
      const handler = chapter.staticFiles(root, options);
      if (typeof handler !== 'function') throw new WrongResult(`staticFiles must return a handler: a function; it returned ${String(handler)}`);
      const tell = ({ request: { method, target }, status, bytes, timeMs }: Static.AccessLogEntry): void => void logged.push({ method, target, status, bytes, timeMs });
      server = await serveHttp(log ? chapter.accessLog(handler, tell) : handler, {
        host: '127.0.0.1',
        port: 0,
        onError: (error: unknown) => {
          // A part that is not written yet is news of its own, not a 500 among others. In this very turn: anyone who asks
          // how this process is finds it dead.
          if (error instanceof Error && 'exercise' in error) process.nextTick(() => { throw error; });
          errors.push(error instanceof Error ? error.message : String(error));
        },
        timeouts: { ...patientTimeouts, ...timeouts },
      });
      const { address } = server;
      if (typeof address === 'string') throw new WrongResult('serveHttp resolved, but its `address` has no port');
      return { host: '127.0.0.1', port: address.port };
    },
    /** What `staticFiles` does with these options, before any request. */
    staticFiles: (root: string, options: Static.StaticOptions) => outcome(() => typeof chapter.staticFiles(root, options)),

    errors: () => errors,
    logged: () => logged,
    shiftClock,

    /** Moves this process to another time zone; without one, back to where it was. */
    moveTo: (zone: string | undefined = homeZone) => {
      process.env.TZ = zone;
    },
    /** Blocks the loop: what comes meanwhile is there all at once. */
    standStill: (ms: number) => {
      for (const started = performance.now(); performance.now() - started < ms;);
    },
    connections: () => server?.connections ?? 0,
  };
});
