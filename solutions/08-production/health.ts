/**
 * What others may know of the server: whether it lives, whether it should get requests, and what it counts. It is for our
 * own load balancer and our own monitoring, so it has an address of its own.
 */

import { HttpResponse } from '../02-http/index.ts';
import type { Handler } from '../02-http/index.ts';

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
  const failed = once(async () => (await Promise.all(Object.entries(source.checks).map((check) => failure(check, source)))).filter((name) => name !== null));
  const pages: Readonly<Record<string, () => Promise<HttpResponse>>> = {
    // It answers, so it lives. If it were restarted because a database is down, there would be no end of that.
    '/health': async () => json(200, { status: 'alive' }),
    '/readiness': async () => {
      if (source.isDraining()) return json(503, { status: 'draining' });
      const names = await failed();
      return names.length === 0 ? json(200, { status: 'ready' }) : json(503, { status: 'failing', failed: names });
    },
    '/metrics': async () => new HttpResponse(200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8', 'Cache-Control': 'no-store' }, source.metrics()),
  };
  return async ({ method, path }) => {
    if (!Object.hasOwn(pages, path)) return json(404, { status: 'not found' });
    if (method !== 'GET' && method !== 'HEAD') return new HttpResponse(405, { Allow: 'GET, HEAD' });
    return await pages[path]!();
  };
}

function json(status: number, content: object): HttpResponse {
  return new HttpResponse(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }, `${JSON.stringify(content)}\n`);
}

/** The name of a check that has failed or taken too long; `null` for one that has passed. */
async function failure([name, check]: [string, Check], { checkMs, onFailure }: StatusSource): Promise<string | null> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`it took longer than ${checkMs} ms`)), checkMs);
  try {
    await Promise.race([(async () => await check())(), late.promise]);
    return null;
  } catch (error) {
    onFailure(name, error);
    return name;
  } finally {
    clearTimeout(timer);
  }
}

/** All that ask while it runs get the same result: a thousand questions do not become a thousand queries. */
function once<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  return () => (running ??= run().finally(() => (running = null)));
}
