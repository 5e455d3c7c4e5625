/**
 * A first site: a few routes, as one handler.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import type { Handler } from './message.ts';

/**
 * `/`, `/about`, `/time` and `POST /echo`; 404 for other paths, 405 with Allow for other methods. HEAD is answered like
 * GET, and the connection leaves out the body.
 */
export const site: Handler = (request) => {
  // TODO 2.13 `/` and `/about` are pages, `/time` is the current time as text in ISO 8601, `POST /echo` sends the
  //           body back with the type that it came with. OPTIONS, and `OPTIONS *`, is a 204 with Allow; a method that
  //           nobody knows is a 501. `throw new HttpError(404)` is an answer, too.
  throw new NotImplemented('2.13');
};
