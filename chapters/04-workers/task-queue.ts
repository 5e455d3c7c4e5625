/**
 * Tasks that wait for a thread, in order. A task that is no longer wanted leaves the queue by itself.
 *
 * Thousands of tasks may share one signal, which may outlive them all: so a task that leaves takes its listener with
 * it.
 */

interface Waiting<Task> {
  readonly task: Task;
  /** Removes the listener from the signal. */
  readonly forget: () => void;
}

export class TaskQueue<Task> {
  // A set keeps the order, and removes one in the middle without a search.
  readonly #waiting = new Set<Waiting<Task>>();

  get length(): number {
    return this.#waiting.size;
  }

  /**
   * Puts a task at the end.
   *
   * @param onAborted called when the signal aborts while the task waits; the task has left the queue by then
   */
  push(task: Task, signal: AbortSignal | undefined, onAborted: () => void): void {
    const leave = (): void => {
      this.#waiting.delete(waiting);
      onAborted();
    };
    const waiting: Waiting<Task> = { task, forget: () => signal?.removeEventListener('abort', leave) };
    this.#waiting.add(waiting);
    signal?.addEventListener('abort', leave, { once: true });
  }

  /** Takes the task that has waited longest. */
  shift(): Task | undefined {
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting);
      waiting.forget();
      return waiting.task;
    }
    return undefined;
  }
}
