/**
 * What is counted, and how Prometheus reads it (its text format, version 0.0.4).
 *
 * A name with another set of labels is another series, and each of them stays in memory. So nothing that a client writes is
 * a label: neither a path nor a method that nobody has heard of.
 */

/** Registered methods that are told apart; all others are `other`. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** Upper bounds of the histogram of durations, in seconds. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Why a client was not let in. */
export type Refusal = 'too many connections' | 'too many of one client' | 'no handshake' | 'no PROXY header';

export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #refusals = new Map<string, number>();
  readonly #buckets = BOUNDS.map(() => 0);
  #sumSeconds = 0;
  #count = 0;
  /** Requests that are being answered. */
  inProgress = 0;
  /** Clients that were cut, since they took what they had asked for too slowly. */
  tooSlow = 0;

  /** A request has been answered. */
  request(method: string, status: number, durationMs: number): void {
    const seconds = durationMs / 1000;
    add(this.#requests, `method="${METHODS.has(method) ? method : 'other'}",status="${status}"`);
    for (const [index, bound] of BOUNDS.entries()) if (seconds <= bound) this.#buckets[index]! += 1;
    this.#sumSeconds += seconds;
    this.#count += 1;
  }

  refused(reason: Refusal): void {
    add(this.#refusals, `reason="${reason}"`);
  }

  /** All of it as a page. @param connections how many are open now */
  text(connections: number): string {
    const family = (name: string, type: string, help: string, samples: readonly (readonly [suffix: string, value: number])[]): string =>
      [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map(([suffix, value]) => `${name}${suffix} ${value}`), ''].join('\n');
    const labelled = (counts: ReadonlyMap<string, number>): [string, number][] => [...counts].map(([labels, count]) => [`{${labels}}`, count]);
    const buckets = BOUNDS.map((bound, index) => [`_bucket{le="${bound}"}`, this.#buckets[index]!] as const);
    return [
      family('http_requests_total', 'counter', 'Requests that were answered.', labelled(this.#requests)),
      family('http_request_duration_seconds', 'histogram', 'From the head of a request to the end of its response.', [
        ...buckets, ['_bucket{le="+Inf"}', this.#count], ['_sum', this.#sumSeconds], ['_count', this.#count],
      ]),
      family('http_requests_in_progress', 'gauge', 'Requests that are being answered.', [['', this.inProgress]]),
      family('connections_open', 'gauge', 'Connections that are open.', [['', connections]]),
      family('connections_refused_total', 'counter', 'Connections that were closed before their first request.', labelled(this.#refusals)),
      family('connections_cut_total', 'counter', 'Connections that were cut because the client was too slow.', [['', this.tooSlow]]),
      family('process_resident_memory_bytes', 'gauge', 'Resident memory.', [['', process.memoryUsage.rss()]]),
    ].join('');
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
