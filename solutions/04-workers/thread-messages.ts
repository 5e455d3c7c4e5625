/**
 * What a thread of the pool and its owner say to each other.
 */

/** To a thread. */
export type ToThread<Input> =
  | { readonly type: 'task'; readonly input: Input }
  | { readonly type: 'finish' };

/** From a thread. */
export type FromThread<Result> =
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly result: Result }
  | { readonly type: 'error'; readonly error: unknown };
