/**
 * The application that every design serves: the same answers, whichever design gives them.
 *
 *     GET /             hello
 *     GET /slow         hello, after half a second of waiting for a database that is not there
 *     GET /cpu?ms=5     hello, after this many milliseconds of computing
 *     GET /stats        what the server knows about itself, in JSON
 *
 * How it waits, blocking or not, is the only thing about it that a design chooses.
 */

import { setTimeout as sleep } from 'node:timers/promises';

import { HttpError, HttpResponse, isOurFault, refusal } from '../02-http/index.ts';
import type { HttpRequest } from '../02-http/index.ts';
import { blockFor, burnCpu } from './burn.ts';
import type { Stats } from './design.ts';
import type { AppSettings } from './settings.ts';

/** The part of a request that the application looks at: plain data, so that it can be sent to another thread. */
export type AppRequest = Pick<HttpRequest, 'method' | 'path' | 'query'> & Partial<Pick<HttpRequest, 'signal'>>;
export type App = (request: AppRequest) => HttpResponse | Promise<HttpResponse>;

export interface AppOptions extends AppSettings {
  /** `blocking`: nothing else happens in this thread in the meantime. `async`: the loop goes on turning. */
  readonly waits: 'blocking' | 'async';
  readonly stats: () => Promise<Stats>;
  /** Called for each response, except for those to /stats, before it is sent. */
  readonly onServed: () => void;
  /** Called instead of computing for that many milliseconds on this thread. */
  readonly compute?: (ms: number) => Promise<void>;
}

/** One request may ask for no more computing than this, in milliseconds. */
const CPU_MS_MAX = 10_000;
const JSON_TYPE = [['Content-Type', 'application/json'], ['Cache-Control', 'no-store']] as const;

export function app(options: AppOptions): App {
  const routes = routesOf(options);
  const { onServed } = options;
  const answer = (request: AppRequest): HttpResponse | Promise<HttpResponse> => {
    const route = routes.get(request.path);
    if (route === undefined) throw new HttpError(404);
    if (request.method !== 'GET' && request.method !== 'HEAD') throw new HttpError(405, '', [['Allow', 'GET, HEAD']]);
    return route(request);
  };
  return withStats((request) => {
    let response: HttpResponse | Promise<HttpResponse>;
    try {
      response = answer(request);
    } catch (error) {
      onServed();
      throw error;
    }
    // An answer that is ready at once costs no promise.
    if (!(response instanceof HttpResponse)) return response.finally(onServed);
    onServed();
    return response;
  }, options.stats);
}

/** An application that knows /stats as well. */
export function withStats(answer: App, stats: () => Promise<Stats>): App {
  return (request) => {
    if (request.path !== '/stats') return answer(request);
    return stats().then((now) => new HttpResponse(200, JSON_TYPE, `${JSON.stringify(now, null, 2)}\n`));
  };
}

/** The application as one that never throws: an error becomes the response that reports it. */
export function answersAlways(answer: App, onError: (error: unknown) => void): App {
  const refused = (error: unknown): HttpResponse => {
    if (isOurFault(error)) onError(error);
    return refusal(error);
  };
  return (request) => {
    try {
      const response = answer(request);
      return response instanceof HttpResponse ? response : response.catch(refused);
    } catch (error) {
      return refused(error);
    }
  };
}

function routesOf({ waitMs, waits, faults, compute }: AppOptions): ReadonlyMap<string, App> {
  const routes = new Map<string, App>([
    ['/', hello],
    ['/slow', waits === 'blocking' ? () => (blockFor(waitMs), hello()) : async () => (await sleep(waitMs), hello())],
    ['/cpu', compute === undefined ? (request) => (burnCpu(cpuMs(request)), hello()) : async (request) => (await compute(cpuMs(request)), hello())],
  ]);
  if (faults) {
    routes.set('/crash', () => process.exit(1));
    routes.set('/hang', () => {
      for (;;) blockFor(1_000);
    });
  }
  return routes;
}

function hello(): HttpResponse {
  return HttpResponse.text('Hello, world!');
}

/** The value of `ms` in the query. @throws HttpError 400 */
function cpuMs(request: AppRequest): number {
  const value = new URLSearchParams(request.query).get('ms') ?? '5';
  if (!/^\d{1,5}$/.test(value) || Number(value) > CPU_MS_MAX) throw new HttpError(400, `ms is a number from 0 to ${CPU_MS_MAX}`);
  return Number(value);
}
