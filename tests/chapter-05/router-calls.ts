/** What the tests of 5.4 do inside the process under test. */
import { setImmediate } from 'node:timers/promises';
import type { Body, Environ, StartResponse } from '#subject/05-gateway/index.ts';
import type { Address } from '#support/tcp-client.ts';
import type { App, Chapter, Stage } from './serve-app.ts';

/** A route of a router, or a mount of an application or of another router. */
export interface RouteSpec {
  /** A method, or `any`; a mount has none. */
  method?: string;
  path: string;
  /** The name that its application gives as its own. */
  name?: string;
  /** The routes of the router that is mounted. */
  below?: readonly RouteSpec[];
  /** The route is added with the method of this name instead of `on`. */
  by?: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** How the application answers. Default: a list of one part. */
  as?: 'list' | 'parts' | 'generator' | 'throws' | 'throws later';
}

export interface RouterSetup {
  routes: readonly RouteSpec[];
  /** The answer of the application that answers when there is no route. */
  notFound?: string;
  limits?: { pathCharactersMax?: number; segmentsMax?: number };
}

/** Where an application was called, according to its environ. */
export interface Place {
  scriptName: string;
  pathInfo: string;
  rawPathInfo: string;
}

/** What a route's application answers with, as JSON. */
export interface Told extends Place {
  name: string;
  method: string;
  params: Record<string, unknown>;
  /** What `params.constructor` is. */
  inherited: string;
}

function placeOf(environ: Environ): Place {
  return { scriptName: environ.SCRIPT_NAME, pathInfo: environ.PATH_INFO, rawPathInfo: environ['gateway.rawPathInfo'] };
}

export function routerCalls(chapter: Chapter, stage: Stage) {
  /** What was seen around and within the applications, in order. */
  const story: { at: string; place: Place }[] = [];
  let closes = 0;

  function appOf({ name = '', as = 'list' }: RouteSpec): App {
    return (environ: Environ, startResponse: StartResponse): Body => {
      const params = (environ['router.params'] ?? {}) as Record<string, unknown>;
      const inherited = Object.hasOwn(params, 'constructor') ? 'own' : typeof (params as { constructor?: unknown }).constructor;
      const told: Told = { name, method: environ.REQUEST_METHOD, params: Object.fromEntries(Object.entries(params)), inherited, ...placeOf(environ) };
      const body = Buffer.from(JSON.stringify(told));
      const note = (at: string): void => void story.push({ at, place: placeOf(environ) });
      note('called');
      if (as === 'throws') throw new Error('thrown by the application');
      startResponse('200 OK', [['Content-Type', 'application/json'], ['X-Name', name]]);
      if (as === 'list') return [body];
      const closing = { close: (): void => { closes++; note('closed'); } };
      if (as === 'parts') return Object.assign([body.subarray(0, 1), body.subarray(1)], closing);
      async function* parts(): AsyncGenerator<Buffer> {
        yield body.subarray(0, 1);
        await Promise.resolve();
        note('later');
        if (as === 'throws later') throw new Error('thrown by the application');
        yield body.subarray(1);
      }
      return Object.assign(parts(), closing);
    };
  }

  function routerOf({ routes, notFound, limits }: RouterSetup): InstanceType<Chapter['Router']> {
    const router = new chapter.Router({ ...limits, ...(notFound === undefined ? {} : { notFound: appOf({ path: '', name: notFound }) }) });
    for (const route of routes) addTo(router, route);
    return router;
  }

  function addTo(router: InstanceType<Chapter['Router']>, route: RouteSpec): void {
    const app = route.below === undefined ? appOf(route) : routerOf({ routes: route.below }).app;
    if (route.by !== undefined) router[route.by](route.path, app);
    else if (route.method === undefined) router.mount(route.path, app);
    else if (route.method === 'any') router.any(route.path, app);
    else router.on(route.method, route.path, app);
  }

  /** The time that the router takes to answer these requests, measured in this process. */
  function timeOf(app: App, environs: readonly Environ[], startResponse: StartResponse): number {
    const started = process.hrtime.bigint();
    for (const environ of environs) app(environ, startResponse);
    return Number(process.hrtime.bigint() - started);
  }

  return {
    /** A router on the server. A wrapper around it looks at the environ before and after. */
    serveRouter: async (setup: RouterSetup): Promise<Address> => {
      const { app } = routerOf(setup);
      return await stage.serve((environ, startResponse) => {
        const note = (at: string): void => void story.push({ at, place: placeOf(environ) });
        note('before');
        try {
          const body = app(environ, startResponse);
          if (Array.isArray(body) && (body as { close?: unknown }).close === undefined) note('after');
          const close = (): void | Promise<void> => {
            const waiting = body.close?.();
            if (waiting instanceof Promise) return waiting.then(() => note('after'));
            note('after');
          };
          if (Array.isArray(body)) return Object.assign([...body], { close });
          return Symbol.asyncIterator in body ? { [Symbol.asyncIterator]: () => body[Symbol.asyncIterator](), close } : { [Symbol.iterator]: () => body[Symbol.iterator](), close };
        } catch (error) {
          note('after');
          throw error;
        }
      });
    },

    routerStory: () => story,
    routerCloses: () => closes,

    /** Adds routes one by one; for each it returns `added`, or what was thrown. */
    addRoutes: (routes: readonly RouteSpec[]): string[] => {
      const router = new chapter.Router();
      return routes.map((route) => {
        try {
          addTo(router, route);
          return 'added';
        } catch (error) {
          if (error instanceof Error && 'exercise' in error) throw error;
          return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        }
      });
    },

    /**
     * How much longer one search takes in the large table than in the small one: the median of alternating rounds. Both
     * must answer every path with the same status.
     */
    compareTables: async (small: readonly RouteSpec[], large: readonly RouteSpec[], asked: { method: string; small: readonly string[]; large: readonly string[] }): Promise<{ ratio: number; statuses: string[] }> => {
      const statuses = new Set<string>();
      const quiet: App = (_environ, startResponse) => {
        startResponse('200 OK', []);
        return [];
      };
      const tableOf = async (routes: readonly RouteSpec[]): Promise<App> => {
        const router = new chapter.Router();
        for (const [i, { method = 'GET', path }] of routes.entries()) {
          router.on(method, path, quiet);
          // Lets the loop turn, so that a slow table does not look like a blocked process.
          if (i % 200 === 0) await setImmediate();
        }
        return router.app;
      };
      const startResponse = (status: string): void => void statuses.add(status.slice(0, 3));
      const environsOf = (paths: readonly string[]): Environ[] => {
        const environs: Environ[] = [];
        for (let i = 0; i < 100; i++) environs.push(environ(asked.method, paths[i % paths.length]!));
        return environs;
      };
      const tables = [
        { app: await tableOf(small), environs: environsOf(asked.small) },
        { app: await tableOf(large), environs: environsOf(asked.large) },
      ] as const;
      for (let i = 0; i < 3; i++) for (const { app, environs } of tables) timeOf(app, environs, startResponse);
      // The best of many rounds counts, since whatever else the machine does can only add to a time.
      const best = [Infinity, Infinity];
      for (let round = 0; round < 25; round++) {
        for (const [i, { app, environs }] of tables.entries()) best[i] = Math.min(best[i]!, timeOf(app, environs, startResponse));
        await setImmediate();
      }
      return { ratio: best[1]! / best[0]!, statuses: [...statuses] };
    },
  };
}

function environ(method: string, path: string): Environ {
  return {
    REQUEST_METHOD: method, SCRIPT_NAME: '', PATH_INFO: path, QUERY_STRING: '', SERVER_NAME: 'localhost', SERVER_PORT: '80',
    SERVER_PROTOCOL: 'HTTP/1.1', 'gateway.version': [1, 0], 'gateway.urlScheme': 'http', 'gateway.rawPathInfo': path,
    'gateway.multithread': false, 'gateway.multiprocess': false, 'gateway.runOnce': false,
    'gateway.signal': new AbortController().signal, 'gateway.errors': { write: () => {} }, 'gateway.input': null as unknown as Environ['gateway.input'],
  };
}
