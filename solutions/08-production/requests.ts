/**
 * What is known of each request: a name for it that goes through all programs, a line in the log, a place in the metrics.
 */

import { randomUUID } from 'node:crypto';

import { refusal } from '../02-http/index.ts';
import type { AsyncApp } from '../06-websocket/index.ts';
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
  return (scope, receive, send) => {
    if (scope.type !== 'http') return app(scope, receive, send);
    const given = scope.headers.filter(([name]) => name === REQUEST_ID);
    const isTrusted = given.length === 1 && proxies.has(scope.client?.address ?? null) && ID_FORM.test(given[0]![1]);
    const id = isTrusted ? given[0]![1] : randomUUID();
    const headers = [...scope.headers.filter(([name]) => name !== REQUEST_ID), [REQUEST_ID, id] as const];
    return app({ ...scope, headers }, receive, (event) => {
      if (event.type !== 'http.response.start') return send(event);
      const others = (event.headers ?? []).filter(([name]) => name.toLowerCase() !== REQUEST_ID);
      return send({ ...event, headers: [...others, ['X-Request-Id', id]] });
    });
  };
}

/** Counts requests, and tells of each when it is over. */
export function withRecords(app: AsyncApp, metrics: Metrics, log: (entry: LogEntry) => void): AsyncApp {
  return async (scope, receive, send) => {
    if (scope.type !== 'http') return await app(scope, receive, send);
    const startedMs = performance.now();
    let status = 0;
    let bytes = 0;
    metrics.inProgress++;
    try {
      await app(scope, receive, (event) => {
        if (event.type === 'http.response.start') status = event.status;
        else if (event.type === 'http.response.body' && scope.method !== 'HEAD') bytes += event.body?.length ?? 0;
        return send(event);
      });
    } catch (error) {
      status ||= refusal(error).status;
      throw error;
    } finally {
      // Without an answer, the server gives its own, unless the client has gone; nginx calls that 499.
      status ||= scope.signal.aborted ? 499 : 500;
      const durationMs = performance.now() - startedMs;
      metrics.inProgress--;
      metrics.request(scope.method, status, durationMs);
      const { method, rawPath, rootPath, query } = scope;
      const target = `${rootPath}${rawPath}${query === '' ? '' : `?${query}`}`;
      const requestId = scope.headers.find(([name]) => name === REQUEST_ID)?.[1] ?? null;
      log({ event: 'request', requestId, client: scope.client?.address ?? null, method, target, status, bytes, durationMs: Math.round(durationMs) });
    }
  };
}
