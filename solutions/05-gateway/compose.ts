/** Middleware around middleware. */

import type { Middleware } from './gateway.ts';

/**
 * Makes one middleware of several. The first is outermost: it sees a request first and its response last.
 *
 *     compose(accessLog(process.stdout), errors(), cors({ origins: '*' }))(app)
 */
export function compose(...middleware: readonly Middleware[]): Middleware {
  return (app) => middleware.reduceRight((inner, wrap) => wrap(inner), app);
}
