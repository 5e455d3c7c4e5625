/**
 * How much of the time the code under test, and the test itself, could really use.
 *
 * On a busy machine they wait for a processor while others run. That time is lost, and nobody is to blame for it: it
 * counts neither as silence nor as slowness. Linux keeps account of it for each thread (proc(5), `schedstat`:
 * nanoseconds of running, and of waiting in a run queue). A moment is lost when any of our threads waits in it, since
 * the others may be waiting for it. It is not lost where our own threads are what the processors are busy
 * with: a server that spins in ten threads has no excuse. Elsewhere the lateness of our own timers is the measure.
 *
 * Some of it goes to our neighbours, which are other tests of the same run. That is not silence either, but only what
 * goes to strangers makes a machine too busy.
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
  /** Processor time of the rest of this run so far, in milliseconds: other tests, and what they started. */
  neighboursMs(): number;
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
  #neighboursMs = 0;
  #lostMs = 0;
  #toStrangersMs = 0;

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

  /** Milliseconds of those that went to programs other than the tests of this run. */
  get toStrangersMs(): number {
    return this.#toStrangersMs;
  }

  /** Milliseconds that were not lost, as of the last look; there is a new one where that was too long ago. */
  ms(): number {
    if (this.#threads === undefined || this.#now() - this.#lookedMs >= FRESH_MS) this.look();
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
    const neighboursMs = this.#source.neighboursMs();
    const lostMs =
      threads === null || this.#threads === null ? this.#late(wallMs, dueMs)
      : this.#threads === undefined ? 0
      : this.#waited(wallMs, this.#threads, threads);
    this.#lostMs += lostMs;
    this.#toStrangersMs += Math.max(0, lostMs - (neighboursMs - this.#neighboursMs) / this.#cores);
    this.#neighboursMs = neighboursMs;
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

/** The unit of times in `stat`, in milliseconds: 1/100 s on all that Node runs on. */
const TICK_MS = 10;

type Kin = 'ours' | 'neighbour' | 'stranger';

/** The threads of this process, and of another with all that it started. */
export class ThreadsOf implements ThreadSource {
  readonly #root: number | undefined;
  /** Processes that were looked at, and what they are to us. A number that is used again so soon is rare. */
  readonly #known = new Map<number, Kin>();
  /** The threads as they were listed last, and when: most of them live long. */
  #listed: readonly string[] = [];
  #listedMs = -Infinity;
  #neighbours: readonly number[] = [];
  readonly #ranMs = new Map<number, number>();
  #neighboursRanMs = 0;

  constructor(root: number | undefined) {
    this.#root = root;
    // The runner has started this process, and others like it.
    if (process.ppid > 1) this.#known.set(process.ppid, 'neighbour');
    this.#known.set(process.pid, 'ours');
    if (root !== undefined) this.#known.set(root, 'ours');
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

  neighboursMs(): number {
    for (const pid of this.#neighbours) {
      const fields = fieldsOf(`/proc/${pid}`);
      if (fields === null) continue;
      const ranMs = TICK_MS * (Number(fields[11]) + Number(fields[12]));
      this.#neighboursRanMs += ranMs - (this.#ranMs.get(pid) ?? ranMs);
      this.#ranMs.set(pid, ranMs);
    }
    return this.#neighboursRanMs;
  }

  #family(): number[] {
    const running = namesIn('/proc').map(Number).filter((pid) => pid > 0);
    // Children have higher numbers than their parents, but for the moment in which the numbers begin anew.
    for (const pid of running) if (!this.#known.has(pid)) this.#known.set(pid, this.#kinOf(pid));
    this.#neighbours = running.filter((pid) => this.#known.get(pid) === 'neighbour');
    return running.filter((pid) => this.#known.get(pid) === 'ours');
  }

  #kinOf(pid: number): Kin {
    const fields = fieldsOf(`/proc/${pid}`);
    if (fields === null) return 'stranger';
    const [parent, session] = [Number(fields[1]), Number(fields[3])];
    // It may have begun a session of its own.
    if (session === this.#root) return 'ours';
    // What this process has started for another rule is not part of this one.
    return parent === process.pid ? 'neighbour' : this.#known.get(parent) ?? 'stranger';
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
