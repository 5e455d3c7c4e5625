/**
 * What is known of each request: a name for it that goes through all programs, a line in the log, a place in the metrics.
 */

import type { AsyncApp } from '../06-websocket/index.ts';
import { NotImplemented } from '#course/not-implemented.ts';
import type { TrustedProxies } from './client-address.ts';
import type { Metrics } from './metrics.ts';

/** A line of the log: JSON, so that nothing that a client has sent can look like another line. */
export interface LogEntry {
  readonly event: string;
  readonly [field: string]: string | number | null;
}

const REQUEST_ID = 'x-request-id';
/** What a proxy may have given a request as its name. */
const ID_FORM = /^[\w.:/+=-]{1,128}$/;

/** Gives each request a name, or leaves it the one that a trusted proxy has given it. The application and the client are told. */
export function withRequestId(app: AsyncApp, proxies: TrustedProxies): AsyncApp {
  // TODO 8.5  The name is in the field REQUEST_ID of the scope, once, and in that of the response, once, whatever the
  //           application has put there. What a stranger has sent does not count, and neither does what a proxy has sent twice or
  //           in another form than ID_FORM.
  throw new NotImplemented('8.5');
}

/** Counts requests, and tells of each when it is over. */
export function withRecords(app: AsyncApp, metrics: Metrics, log: (entry: LogEntry) => void): AsyncApp {
  // TODO 8.5  From its beginning to its end a request is in progress. Then it is counted, and there is an entry with `event`
  //           (`request`), `requestId`, `client` (its address), `method`, `target` (as it was sent, from the parts that the scope
  //           has), `status`, `bytes` (of the body that goes out) and `durationMs`. A request to which the application throws
  //           has the status that the server answers with (`refusal` of chapter 02); one whose client has gone is 499, as
  //           nginx writes it. What the application throws is thrown on.
  throw new NotImplemented('8.5');
}
