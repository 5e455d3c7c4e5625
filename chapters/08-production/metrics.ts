/**
 * What is counted, and how Prometheus reads it (its text format, version 0.0.4).
 *
 * A name with another set of labels is another series, and each of them stays in memory. So nothing that a client writes is
 * a label: neither a path nor a method that nobody has heard of.
 */

import { NotImplemented } from '#course/not-implemented.ts';

/** Registered methods that are told apart; all others are `other`. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** Upper bounds of the histogram of durations, in seconds. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Why a client was not let in. */
export type Refusal = 'too many connections' | 'too many of one client' | 'no handshake' | 'no PROXY header';

export class Metrics {
  /** Requests that are being answered. */
  inProgress = 0;
  /** Clients that were cut, since they took what they had asked for too slowly. */
  tooSlow = 0;

  /** A request has been answered. */
  request(method: string, status: number, durationMs: number): void {
    // TODO 8.5  Counted by method and status, and its duration in the histogram.
  }

  refused(reason: Refusal): void {
    // TODO 8.5  Counted by reason.
  }

  /** All of it as a page. @param connections how many are open now */
  text(connections: number): string {
    // TODO 8.5  A family for each of these, with its HELP and TYPE before its samples: `http_requests_total` (counter; `method`,
    //           `status`), `http_request_duration_seconds` (histogram with BOUNDS; each bucket counts what is not above its
    //           bound, the last one is `+Inf`), `http_requests_in_progress` (gauge), `connections_open` (gauge),
    //           `connections_refused_total` (counter; `reason`), `connections_cut_total` (counter: `tooSlow`), and
    //           `process_resident_memory_bytes` (gauge).
    throw new NotImplemented('8.5');
  }
}
