/** A thread of the pools that the tests of 4.6 start: it does what the task says. */
import { workerData } from 'node:worker_threads';

/** `mark` is counted when the task begins, so that one that is run twice is seen. */
export type PoolTask =
  | { readonly do: 'add'; readonly a: number; readonly b: number; readonly mark?: number }
  /** Stands still until its gate is open. */
  | { readonly do: 'wait'; readonly gate: number; readonly mark?: number }
  /** The same, without standing still. */
  | { readonly do: 'await'; readonly gate: number; readonly mark?: number }
  | { readonly do: 'throw'; readonly message: string; readonly mark?: number }
  /** Ends the thread. */
  | { readonly do: 'crash'; readonly mark?: number }
  /** An error that nobody catches. */
  | { readonly do: 'fail outside'; readonly mark?: number }
  /** Gives its result, and ends the thread when that has nothing to do any more. */
  | { readonly do: 'die later'; readonly mark?: number }
  | { readonly do: 'hang'; readonly mark?: number }
  | { readonly do: 'measure'; readonly buffer: ArrayBuffer; readonly mark?: number };

interface TaskData {
  /** Where the tree under test has it. */
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
