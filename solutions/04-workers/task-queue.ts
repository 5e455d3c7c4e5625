/**
 * Tasks that wait for a thread, in their order. One that nobody wants any more leaves the queue by itself.
 *
 * A signal may be the same for thousands of tasks, and live longer than all of them: so nothing of a task stays with it
 * once the task has left.
 */

interface Waiting<Task> {
  readonly task: Task;
  /** Takes the listener off the signal. */
  readonly forget: () => void;
}

export class TaskQueue<Task> {
  // A set keeps the order, and lets go of one in the middle without looking for it.
  readonly #waiting = new Set<Waiting<Task>>();

  get length(): number {
    return this.#waiting.size;
  }

  /**
   * Puts a task at the end.
   *
   * @param onAborted called when the signal aborts while the task waits; it has left the queue then
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
