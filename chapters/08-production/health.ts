/**
 * What others may know of the server: whether it lives, whether it should get requests, and what it counts. It is for our
 * own load balancer and our own monitoring, so it has an address of its own.
 */

import type { Handler } from '../02-http/index.ts';
import { NotImplemented } from '#course/not-implemented.ts';

/** Something that the application cannot do without, such as a database. It throws, or rejects, while that is missing. */
export type Check = () => void | Promise<void>;

export interface StatusSource {
  readonly checks: Readonly<Record<string, Check>>;
  /** How long a check may take, in milliseconds; then it has failed. */
  readonly checkMs: number;
  /** Whether the server has been told to stop. */
  readonly isDraining: () => boolean;
  readonly metrics: () => string;
  /** Is told why a check has failed: the answer only says that it has. */
  readonly onFailure: (name: string, error: unknown) => void;
}

/** Answers `/health`, `/readiness` and `/metrics`. */
export function statusHandler(source: StatusSource): Handler {
  // TODO 8.5  `/health` is 200, whatever is missing. `/readiness` is 200 if all checks pass, and 503 if one of them fails, or if
  //           the server drains. The answer names the checks that have failed, and says nothing of what they have thrown: that is
  //           for `onFailure`. A check that has not ended after `checkMs` has failed. While checks run, all that ask get the
  //           result of that run; a later question begins a new one. `/metrics` is `metrics()` as `text/plain; version=0.0.4`.
  //           No answer may be kept (`Cache-Control`). Any other path is 404, and any method but GET and HEAD is 405.
  throw new NotImplemented('8.5');
}
