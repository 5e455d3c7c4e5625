/** What a test process and the process of the code under test say to each other. */

export interface DescribedError {
  readonly name: string;
  readonly message: string;
  /** The first place in the subject's own files, as `file:line`. */
  readonly at?: string;
  /** The `code` of a system error. */
  readonly code?: string;
  /** The exercise that a NotImplemented names. */
  readonly exercise?: string;
}

export type ToHost =
  | { readonly type: 'call'; readonly id: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly type: 'ping'; readonly id: number }
  /** The rule is over: close what it has left open. */
  | { readonly type: 'start-over' };

export type FromHost =
  /** Another file is being read: hundreds of them, each compiled for the first time, take seconds without a turn of the loop. */
  | { readonly type: 'loading' }
  | { readonly type: 'ready' }
  | { readonly type: 'load-failed'; readonly error: DescribedError }
  | { readonly type: 'result'; readonly id: number; readonly result: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: DescribedError }
  | { readonly type: 'pong'; readonly id: number; readonly rssBytes: number }
  /** Whether this process is as it was before the first rule. */
  | { readonly type: 'started-over'; readonly tidy: boolean }
  | { readonly type: 'uncaught'; readonly error: DescribedError };
