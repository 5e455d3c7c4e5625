/**
 * How much of the time the code under test, and the test itself, could really use.
 *
 * On a busy machine they wait for a processor while others run. That time is lost, and nobody is to blame for it: it
 * counts neither as silence nor as slowness. Linux keeps account of it for each thread (proc(5), `schedstat`:
 * nanoseconds of running, and of waiting in a run queue). A moment is lost when any of our threads waits in it, since
 * the others may be waiting for it. It is not lost where our own threads are what the processors are busy
 * with: a server that spins in ten threads has no excuse. Elsewhere the lateness of our own timers is the measure.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** What one thread has had so far, in milliseconds. */
export interface ThreadTimes {
  readonly ranMs: number;
  readonly waitedMs: number;
}

/** Where the times of threads come from. */
export interface ThreadSource {
  /** All threads that there are, each by a name of its own; null where nobody keeps account of them. */
  read(): ReadonlyMap<string, ThreadTimes> | null;
  /** Whether a thread runs or wants to. */
  isRunnable(thread: string): boolean;
}

/** What is read from the system; tests give their own. */
export interface OwnTimeOptions {
  cores?: number;
  now?: () => number;
  /** Processor time of this process so far, in milliseconds. */
  cpuMs?: () => number;
}

export class OwnTime {
  readonly #source: ThreadSource;
  readonly #cores: number;
  readonly #now: () => number;
  readonly #cpuMs: () => number;
  readonly #beganMs: number;
  #lookedMs: number;
  /** As they were at the last look; not looked at yet while undefined, since most rules are over before. */
  #threads: ReadonlyMap<string, ThreadTimes> | null | undefined;
  #lookedCpuMs: number;
  #lostMs = 0;

  constructor(source: ThreadSource, options: OwnTimeOptions = {}) {
    this.#source = source;
    this.#cores = options.cores ?? availableParallelism();
    this.#now = options.now ?? (() => performance.now());
    this.#cpuMs = options.cpuMs ?? processCpuMs;
    this.#beganMs = this.#lookedMs = this.#now();
    this.#lookedCpuMs = this.#cpuMs();
  }

  /** Milliseconds on the clock since this was made, up to the last look. */
  get wallMs(): number {
    return this.#lookedMs - this.#beganMs;
  }

  /** Milliseconds of them in which one of ours waited for a processor that somebody else had. */
  get lostMs(): number {
    return this.#lostMs;
  }

  /** Milliseconds that were not lost, as of the last look; there is a new one where that was too long ago. */
  ms(): number {
    if (this.#now() - this.#lookedMs >= FRESH_MS) this.look();
    return this.wallMs - this.#lostMs;
  }

  /**
   * Takes account of what has happened since the last look. The first look only begins the account.
   *
   * @param dueMs when this look should have come after the last one: what is more is lost where nobody counts threads
   */
  look(dueMs = 0): void {
    const now = this.#now();
    const wallMs = now - this.#lookedMs;
    const threads = this.#source.read();
    if (threads === null || this.#threads === null) this.#lostMs += this.#late(wallMs, dueMs);
    else if (this.#threads !== undefined) this.#lostMs += this.#waited(wallMs, this.#threads, threads);
    this.#threads = threads;
    this.#lookedMs = now;
  }

  #late(wallMs: number, dueMs: number): number {
    const cpuMs = this.#cpuMs();
    const ownMs = cpuMs - this.#lookedCpuMs;
    this.#lookedCpuMs = cpuMs;
    return dueMs === 0 ? 0 : Math.max(0, wallMs - dueMs - ownMs);
  }

  #waited(wallMs: number, before: ReadonlyMap<string, ThreadTimes>, after: ReadonlyMap<string, ThreadTimes>): number {
    let [ranMs, waitedMs, pending] = [0, 0, false];
    for (const [thread, times] of after) {
      const old = before.get(thread) ?? { ranMs: 0, waitedMs: 0 };
      ranMs += times.ranMs - old.ranMs;
      waitedMs += times.waitedMs - old.waitedMs;
      // A wait that is still going on is in no account yet.
      if (!pending && times.ranMs === old.ranMs && waitedMs < wallMs) pending = this.#source.isRunnable(thread);
    }
    // While all processors were at our own threads, nobody else took them away.
    return Math.max(0, Math.min(wallMs, pending ? wallMs : waitedMs) - ranMs / this.#cores);
  }
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** How long a look is good for, in milliseconds: it takes about one. */
const FRESH_MS = 50;

/** How long a list of threads is good for, in milliseconds: to look for new ones costs more than to read what they had. */
const LISTED_MS = 200;

/** The threads of this process, and of another with all that it started. */
export class ThreadsOf implements ThreadSource {
  readonly #root: number | undefined;
  /** Processes that were looked at, and whether they are of the family. A number that is used again so soon is rare. */
  readonly #known = new Map<number, boolean>();
  /** The threads as they were listed last, and when: most of them live long. */
  #listed: readonly string[] = [];
  #listedMs = -Infinity;

  constructor(root: number | undefined) {
    this.#root = root;
    this.#known.set(process.pid, true);
    if (root !== undefined) this.#known.set(root, true);
  }

  read(): ReadonlyMap<string, ThreadTimes> | null {
    if (process.platform !== 'linux') return null;
    const threads = new Map<string, ThreadTimes>();
    for (const thread of this.#list()) {
      const times = timesOf(thread);
      if (times !== null) threads.set(thread, times);
    }
    return threads.size > 0 ? threads : null;
  }

  isRunnable(thread: string): boolean {
    return fieldsOf(thread)?.[0] === 'R';
  }

  #list(): readonly string[] {
    const now = performance.now();
    if (now - this.#listedMs < LISTED_MS) return this.#listed;
    this.#listed = this.#family().flatMap((pid) => namesIn(`/proc/${pid}/task`).map((tid) => `/proc/${pid}/task/${tid}`));
    this.#listedMs = now;
    return this.#listed;
  }

  #family(): number[] {
    const running = namesIn('/proc').map(Number).filter((pid) => pid > 0);
    // Children have higher numbers than their parents, but for the moment in which the numbers begin anew.
    for (const pid of running) if (!this.#known.has(pid)) this.#known.set(pid, this.#isOurs(pid));
    return running.filter((pid) => this.#known.get(pid) === true);
  }

  /** Of the session of the code under test, or a child of one that is: it may have begun a session of its own. */
  #isOurs(pid: number): boolean {
    const fields = fieldsOf(`/proc/${pid}`);
    if (fields === null || this.#root === undefined) return false;
    const [parent, session] = [Number(fields[1]), Number(fields[3])];
    return session === this.#root || (parent !== process.pid && this.#known.get(parent) === true);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // A process that has gone meanwhile, or a system that shows none.
    return [];
  }
}

function timesOf(thread: string): ThreadTimes | null {
  try {
    const [ran, waited] = readFileSync(`${thread}/schedstat`, 'latin1').split(' ').map(Number) as [number, number];
    return { ranMs: ran / 1e6, waitedMs: waited / 1e6 };
  } catch {
    return null;
  }
}

/** The fields of `stat` after the name (proc(5)): state, parent, group, session and so on. */
function fieldsOf(path: string): string[] | null {
  try {
    const stat = readFileSync(`${path}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}
