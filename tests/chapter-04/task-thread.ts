/** A thread of the pools that the tests of 4.6 start. It does what the task says. */
import { workerData } from 'node:worker_threads';

/** The task's beginning is counted under `mark`, so that a task that runs twice is noticed. */
export type PoolTask =
  | { readonly do: 'add'; readonly a: number; readonly b: number; readonly mark?: number }
  /** Blocks until its gate is open. */
  | { readonly do: 'wait'; readonly gate: number; readonly mark?: number }
  /** The same, without blocking. */
  | { readonly do: 'await'; readonly gate: number; readonly mark?: number }
  | { readonly do: 'throw'; readonly message: string; readonly mark?: number }
  /** Ends the thread. */
  | { readonly do: 'crash'; readonly mark?: number }
  /** An error that nothing catches. */
  | { readonly do: 'fail outside'; readonly mark?: number }
  /** Gives its result, and ends the thread when that is idle again. */
  | { readonly do: 'die later'; readonly mark?: number }
  | { readonly do: 'hang'; readonly mark?: number }
  | { readonly do: 'measure'; readonly buffer: ArrayBuffer; readonly mark?: number };

interface TaskData {
  /** Where it is in the tree under test. */
  readonly serveTasks: string;
  readonly gates: Int32Array;
  readonly begun: Int32Array;
}

type ServeTasks = (work: (task: PoolTask) => { result: unknown } | Promise<{ result: unknown }>) => void;

const data = workerData as TaskData;
const { serveTasks } = (await import(data.serveTasks)) as { serveTasks: ServeTasks };

serveTasks(async (task) => {
  if (task.mark !== undefined) Atomics.add(data.begun, task.mark, 1);
  switch (task.do) {
    case 'add':
      return { result: task.a + task.b };
    case 'wait':
      Atomics.wait(data.gates, task.gate, 0);
      return { result: `after gate ${task.gate}` };
    case 'await':
      await (Atomics.waitAsync(data.gates, task.gate, 0).value as Promise<unknown>);
      return { result: `after gate ${task.gate}` };
    case 'throw':
      throw new Error(task.message);
    case 'crash':
      return process.exit(1);
    case 'fail outside':
      setImmediate(() => {
        throw new Error('nobody catches this');
      });
      return await new Promise<never>(() => {});
    case 'die later':
      setTimeout(() => process.exit(1), 50);
      return { result: 'done' };
    case 'hang':
      for (;;) Atomics.wait(data.begun, 0, Atomics.load(data.begun, 0), 1_000);
    case 'measure':
      return { result: task.buffer.byteLength };
  }
});
