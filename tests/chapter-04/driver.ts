/** What the tests of chapter 04 do inside the process under test. */
import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { NotImplemented } from '#course/not-implemented.ts';
import type * as Workers from '#subject/04-workers/index.ts';
import { driver, WrongResult } from '#support/driver.ts';
import type { Address } from '#support/tcp-client.ts';
import type { PoolTask } from './task-thread.ts';

export type DesignName = Workers.DesignName;
export type Stats = Workers.Stats;
export type ServeOptions = Omit<Workers.DesignOptions, 'onError' | 'host'>;

export interface PoolSetup {
  size: number;
  queueMax: number;
  taskTimeoutMs: number;
}

/** The state of a task. */
export type TaskOutcome = { state: 'waits' } | { state: 'result'; result: unknown } | { state: 'failed'; code: string | undefined; message: string };

/** The processes and the threads that this process has started. */
export interface Started {
  /** The running ones, by pid. */
  processes: number[];
  /** How many threads are running. */
  threads: number;
  /** How many of both have been started, including those that are gone. */
  all: number;
}

const TASK_SCRIPT = new URL('./task-thread.ts', import.meta.url);
const NODE = process.execPath;
/** Longer than any test takes. */
const FAR_MS = 120_000;

/**
 * A part that is not written yet is reported as such, and not as a 500 or a closed connection, whatever catches it.
 * A test that asks after this process finds it dead.
 */
Object.defineProperty(NotImplemented.prototype, 'name', {
  set(this: NotImplemented, name: string) {
    Object.defineProperty(this, 'name', { value: name });
    process.nextTick(() => {
      throw this;
    });
  },
});

export default driver<typeof Workers>()('04-workers', (chapter) => {
  const servers: Workers.RunningServer[] = [];
  const errors: string[] = [];
  const children = new Set<ChildProcess>();
  const threads = new Set<Worker>();
  /** This process's ends of its connections, except for those that it has given away. */
  const sockets = new Set<Socket>();
  let all = 0;
  let closing: Promise<void> | undefined;
  let closed = 'not called';

  subscribe('child_process', (message) => {
    const { process: child } = message as { process: ChildProcess };
    all++;
    children.add(child);
  });
  subscribe('net.server.socket', (message) => {
    const { socket } = message as { socket: Socket };
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  process.on('worker', (thread) => {
    all++;
    threads.add(thread);
    thread.once('exit', () => threads.delete(thread));
  });

  const onError = (error: unknown): void => {
    // From another thread it comes as a copy, which is not an instance of the class.
    if (error instanceof Error && 'exercise' in error) process.nextTick(() => { throw error; });
    errors.push(error instanceof Error ? error.message : String(error));
  };

  function begin(close: () => Promise<void>): void {
    closed = 'pending';
    closing = Promise.resolve(close());
    closing.then(
      () => (closed = 'resolved'),
      (error: unknown) => (closed = `rejected: ${String(error)}`),
    );
  }

  function last(): Workers.RunningServer {
    const server = servers.at(-1);
    if (!server) throw new Error('no server was started');
    return server;
  }

  /** Whether it was told to go on before its time was up, the last time it was blocked. */
  let toldInTime: boolean | undefined;

  // 4.1
  let line: Workers.WaitingLine | undefined;
  let lineServer: Server | undefined;
  /** The clients that are being served, in the order in which their turn came. */
  let turns: { port: number | undefined; end: () => void }[] = [];
  let emptied = 'not asked';

  // 4.6
  let pool: Workers.WorkerPool<PoolTask, unknown> | undefined;
  const outcomes: TaskOutcome[] = [];
  const aborts: AbortController[] = [];
  /** The gates that tasks wait for, which open one by one. */
  const gates = new Int32Array(new SharedArrayBuffer(4 * 256));
  /** How often each task has been begun, by its mark. */
  const begun = new Int32Array(new SharedArrayBuffer(4 * 256));

  /** Follows a task, and returns its number. */
  function note(run: () => Promise<unknown>): number {
    const number = outcomes.push({ state: 'waits' }) - 1;
    const promise: unknown = run();
    if (!(promise instanceof Promise)) throw new WrongResult(`run must return a promise; it returned ${String(promise)}`);
    promise.then(
      (result: unknown) => (outcomes[number] = { state: 'result', result }),
      (error: unknown) => {
        const { code, message } = (error ?? {}) as { code?: unknown; message?: string };
        outcomes[number] = { state: 'failed', code: typeof code === 'string' ? code : undefined, message: message ?? String(error) };
      },
    );
    return number;
  }

  function thePool(): Workers.WorkerPool<PoolTask, unknown> {
    if (!pool) throw new Error('no pool was started');
    return pool;
  }

  return {
    /** Starts a design. From then on `stats` and `beginClose` are about this one. */
    serve: async (name: DesignName, options: ServeOptions = {}): Promise<Address> => {
      const server = await chapter.designNamed(name)({ ...options, host: '127.0.0.1', onError });
      const port = (server as Workers.RunningServer | undefined)?.address?.port;
      if (typeof port !== 'number') throw new WrongResult(`the design '${name}' must resolve to a server with an address; it resolved to ${String(server)}`);
      servers.push(server);
      return { host: '127.0.0.1', port };
    },

    stats: async (): Promise<Workers.Stats> => await last().stats(),

    errors: () => errors,

    /** Calls close on the last server and returns at once. */
    beginClose: (deadlineMs = FAR_MS) => begin(() => last().close({ deadlineMs })),

    closeState: () => closed,

    awaitClose: async () => await closing,

    started: (): Started => ({
      processes: [...children].filter(({ pid, exitCode, signalCode }) => pid !== undefined && exitCode === null && signalCode === null).map(({ pid }) => pid!),
      threads: threads.size,
      all,
    }),

    /** Which of these processes are running. */
    running: (pids: readonly number[]) =>
      pids.filter((pid) => {
        try {
          return process.kill(pid, 0);
        } catch {
          return false;
        }
      }),

    pid: () => process.pid,

    signal: (pid: number, signal: 'SIGSTOP' | 'SIGKILL') => process.kill(pid, signal),

    /** Decides what happens to processes that are started from now on. */
    breakStarts: (how: 'no program' | 'dies at once' | 'not at all') => {
      process.execPath = how === 'no program' ? join(dirname(NODE), 'there-is-no-such-program') : NODE;
      if (how === 'dies at once') process.env.NODE_OPTIONS = '--import data:text/javascript,process.exit(1)';
      else delete process.env.NODE_OPTIONS;
    },

    /** Returns, and then blocks this process's loop: until there is a file of this name, or for `ms` milliseconds. */
    standStill: (file: string, ms: number) => {
      toldInTime = undefined;
      setImmediate(() => {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        const startedMs = performance.now();
        while (!existsSync(file) && performance.now() - startedMs < ms) Atomics.wait(cell, 0, 0, 5);
        toldInTime = existsSync(file);
      });
    },

    /** Whether it was told to go on while it was blocked. */
    wasTold: () => toldInTime,

    /** Bytes that have been read from open connections. */
    takenBytes: () => [...sockets].reduce((sum, socket) => sum + socket.bytesRead, 0),

    /** Bytes that were written but that the kernel has not taken yet. */
    heldBytes: () => [...sockets].reduce((sum, socket) => sum + socket.writableLength, 0),

    /** What `designNamed` returns for a name. */
    designNamed: (name: string) => {
      try {
        return `gave ${typeof chapter.designNamed(name)}`;
      } catch (error) {
        return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      }
    },

    // 4.1

    /** A WaitingLine fed by a listening socket: a client whose turn comes is greeted, and is being served until `endTurn`. */
    startLine: async (options: { activeMax: number; queueMax: number }): Promise<Address> => {
      const serve = async (socket: Socket): Promise<void> => {
        socket.write('your turn\n');
        socket.on('error', () => {}).resume();
        await new Promise<void>((resolve) => turns.push({ port: socket.remotePort, end: resolve }));
        socket.end();
      };
      line = new chapter.WaitingLine({ ...options, serve });
      lineServer = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => line?.enter(socket));
      await new Promise<void>((resolve) => lineServer!.listen(0, '127.0.0.1', resolve));
      return { host: '127.0.0.1', port: (lineServer.address() as AddressInfo).port };
    },

    /** What the line says about itself, and the ports of the clients that are being served. */
    lineState: () => ({ active: line!.active, waiting: line!.waiting, refused: line!.refused, served: turns.map(({ port }) => port), emptied }),

    /** Ends the turn of one client that is being served. */
    endTurn: (index = 0) => turns.splice(index, 1)[0]?.end(),

    clearLine: () => line!.clear(),

    /** Asks the line to say when it is empty. */
    askEmpty: () => {
      emptied = 'pending';
      void line!.empty().then(() => (emptied = 'resolved'));
    },

    // 4.6

    startPool: async ({ size, queueMax, taskTimeoutMs }: PoolSetup) => {
      const serveTasks = pathToFileURL(join(process.argv[2]!, '04-workers', 'serve-tasks.ts')).href;
      pool = await chapter.WorkerPool.start<PoolTask, unknown>(TASK_SCRIPT, { size, queueMax, taskTimeoutMs, onError, workerData: { serveTasks, gates, begun } });
    },

    /** Gives the pool a task, and returns its number, for `outcome` and `abortTask`. */
    run: (task: PoolTask): number => {
      const abort = new AbortController();
      const number = note(() => thePool().run(task, { signal: abort.signal }));
      aborts[number] = abort;
      return number;
    },

    /** Gives the pool several tasks before any of them can be done, and returns their numbers. */
    runAll: (tasks: PoolTask[]): number[] => tasks.map((task) => note(() => thePool().run(task))),

    /** Transfers a buffer with its task, and returns how many of its bytes stay here. */
    runWithBuffer: async (bytes: number): Promise<{ left: number; result: unknown }> => {
      const buffer = new ArrayBuffer(bytes);
      const result = await thePool().run({ do: 'measure', buffer }, { transfer: [buffer] });
      return { left: buffer.byteLength, result };
    },

    /** Gives the pool a task that no message can carry, and returns its number. */
    runUnsendable: (): number => note(() => thePool().run({ do: 'add', a: (() => 1) as unknown as number, b: 1 })),

    /** Gives the pool a task whose signal has already aborted, and returns its number. */
    runUnwanted: (task: PoolTask): number => note(() => thePool().run(task, { signal: AbortSignal.abort() })),

    abortTask: (number: number) => aborts[number]!.abort(),

    outcome: (number: number): TaskOutcome => outcomes[number]!,

    /** How often the task with this mark has been begun, by any thread. */
    begun: (mark: number) => Atomics.load(begun, mark),

    openGate: (gate: number) => {
      Atomics.store(gates, gate, 1);
      Atomics.notify(gates, gate);
    },

    /** Waits: timers of this process that were due earlier have fired by then. */
    passMs: async (ms: number) => await new Promise<void>((resolve) => void setTimeout(resolve, ms)),

    poolStats: (): Workers.WorkerPoolStats => {
      const { queued, running, refused, done, threads: list } = thePool().stats;
      return { queued, running, refused, done, threads: list.map(({ id, done: its }) => ({ id, done: its })) };
    },

    beginPoolClose: (deadlineMs = FAR_MS) => begin(() => thePool().close(deadlineMs)),
  };
});
