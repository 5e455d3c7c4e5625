/**
 * The designs, by name.
 */

import { asynchronous } from './async.ts';
import { callbacks } from './callbacks.ts';
import type { Design } from './design.ts';
import { processPerConnection } from './process-per-connection.ts';
import { processPool } from './process-pool.ts';
import { routed } from './routed.ts';
import { sequential } from './sequential.ts';
import { threadListeners } from './thread-listeners.ts';
import { threadPerConnection } from './thread-per-connection.ts';
import { threadPool } from './thread-pool.ts';

export const designs = {
  /** One connection after another. */
  sequential,
  /** One loop, written with callbacks. */
  callbacks,
  /** One loop, written with async and await. */
  async: asynchronous,
  'process-per-connection': processPerConnection,
  /** A fixed set of processes that share the listening socket. */
  'process-pool': processPool,
  'thread-per-connection': threadPerConnection,
  /** One loop, and a fixed set of threads that answer. */
  'thread-pool': threadPool,
  /** A fixed set of threads that accept for themselves. */
  'thread-listeners': threadListeners,
  /** One loop, and a fixed set of threads that compute. */
  routed,
} as const satisfies Readonly<Record<string, Design>>;

export type DesignName = keyof typeof designs;

/** @throws RangeError with the list of names, for a name that is not on it */
export function designNamed(name: string): Design {
  if (!Object.hasOwn(designs, name)) throw new RangeError(`there is no design '${name}'; there are: ${Object.keys(designs).join(', ')}`);
  return designs[name as DesignName];
}
