/** What the tests of 5.5 do inside the process under test. */
import type * as Http from '#subject/02-http/index.ts';
import type * as Gateway from '#subject/05-gateway/index.ts';
import type { LoadChapter } from '#support/driver.ts';
import type { Address } from '#support/tcp-client.ts';
import { Gate } from './serve-app.ts';
import type { App, Chapter, Stage } from './serve-app.ts';

/** A middleware, described in plain values. The first of a list is outermost. */
export type Layer =
  | { use: 'probe'; name: string }
  | { use: 'log'; format?: 'common' | 'combined' }
  | { use: 'bearer'; credentials: { token: string; user: string; scopes?: string[] }[]; realm?: string; scope?: string }
  | { use: 'cors'; origins: '*' | string[] | { endsWith: string }; methods?: string[]; headers?: string[]; exposed?: string[]; credentials?: boolean; maxAgeSeconds?: number }
  | { use: 'errors'; development?: boolean; silent?: boolean }
  | { use: 'id'; trust?: boolean }
  | { use: 'json'; bytesMax?: number; depthMax?: number };

/** An application: what it answers, and when it fails. */
export interface AppSetup {
  status?: string;
  headers?: [string, string][];
  /** The sizes of its parts. Without them, it tells what it was given, as JSON. */
  parts?: number[];
  as?: 'list' | 'iterable' | 'async';
  /** Throws instead of this part; -1 is the call itself. */
  throwsAt?: number;
  message?: string;
  /** The error is an HttpError with this status. */
  errorStatus?: number;
  /** Waits before this part until the gate is opened. */
  waitsAt?: number;
}

/** What an application was given by the middleware around it. */
export interface Given {
  user: unknown;
  auth: unknown;
  id: unknown;
  /** The body, turned back into JSON; absent if there was none. */
  json?: string;
  hasJson: boolean;
  /** Whether a key of the body has changed the prototype of other objects. */
  polluted: boolean;
}

export function middlewareCalls(chapter: Chapter, load: LoadChapter, stage: Stage) {
  const story: string[] = [];
  const lines: string[] = [];
  const told: string[] = [];
  let calls = 0;
  let closes = 0;
  let gate = new Gate();

  function probe(name: string): Gateway.Middleware {
    return (app) => (environ, startResponse) => {
      story.push(`${name} in`);
      return app(environ, (status, headers, error) => {
        story.push(`${name} out`);
        startResponse(status, [...headers, ['X-Probe', name]], error);
      });
    };
  }

  function middleware(layer: Layer): Gateway.Middleware {
    switch (layer.use) {
      case 'probe':
        return probe(layer.name);
      case 'log':
        return chapter.accessLog({ write: (text) => void lines.push(text) }, layer.format === undefined ? {} : { format: layer.format });
      case 'bearer': {
        const { use: _use, ...options } = layer;
        return chapter.bearerAuth(options);
      }
      case 'cors': {
        const { use: _use, origins, ...options } = layer;
        const end = typeof origins === 'object' && 'endsWith' in origins ? origins.endsWith : '';
        return chapter.cors({ ...options, origins: Array.isArray(origins) || origins === '*' ? origins : (origin) => origin.endsWith(end) });
      }
      case 'errors': {
        const report = (error: unknown): void => void told.push(error instanceof Error ? error.message : String(error));
        return chapter.errors({ ...(layer.development === undefined ? {} : { development: layer.development }), ...(layer.silent === true ? {} : { report }) });
      }
      case 'id':
        return chapter.requestId(layer.trust === undefined ? {} : { trust: layer.trust });
      case 'json': {
        const { use: _use, ...options } = layer;
        return chapter.jsonBody(options);
      }
    }
  }

  async function appOf(setup: AppSetup): Promise<App> {
    const http = (await load('02-http')) as typeof Http;
    const { status = '200 OK', headers = [], parts, as = 'list', throwsAt, message = 'thrown by the application', errorStatus, waitsAt } = setup;
    const fail = (): never => {
      throw errorStatus === undefined ? new Error(message) : new http.HttpError(errorStatus, message);
    };
    function partsOf(environ: Gateway.Environ): Buffer[] {
      if (parts !== undefined) return parts.map((size, i) => Buffer.alloc(size, 97 + (i % 26)));
      const json: unknown = environ['json.body'];
      const given: Given = {
        user: environ['REMOTE_USER'] ?? null, auth: environ['AUTH_TYPE'] ?? null, id: environ['request.id'] ?? null,
        ...(json === undefined ? {} : { json: JSON.stringify(json) }), hasJson: json !== undefined,
        polluted: (({} as { polluted?: unknown }).polluted ?? (json as { polluted?: unknown } | null | undefined)?.polluted) !== undefined,
      };
      return [Buffer.from(JSON.stringify(given))];
    }
    return (environ, startResponse) => {
      calls++;
      if (throwsAt === -1) fail();
      const close = (): void => void closes++;
      const list = partsOf(environ);
      if (as === 'list') {
        startResponse(status, headers);
        return Object.assign(list, { close });
      }
      function* iterate(): Generator<Buffer> {
        startResponse(status, headers);
        for (const [i, part] of list.entries()) {
          if (i === throwsAt) fail();
          yield part;
        }
        if (throwsAt === list.length) fail();
      }
      if (as === 'iterable') return { [Symbol.iterator]: iterate, close };
      async function* wait(): AsyncGenerator<Buffer> {
        let i = 0;
        for (const part of iterate()) {
          if (i++ === waitsAt) await gate.opened;
          yield part;
        }
      }
      return { [Symbol.asyncIterator]: wait, close };
    };
  }

  return {
    /** Serves an application with middleware around it, put there by `compose`. */
    serveBehind: async (layers: readonly Layer[], setup: AppSetup = {}): Promise<Address> =>
      await stage.serve(chapter.compose(...layers.map(middleware))(await appOf(setup))),

    /** What making this middleware throws; `nothing` if it throws nothing. */
    make: (layer: Layer): string => {
      try {
        middleware(layer);
        return 'nothing';
      } catch (error) {
        return error instanceof Error ? error.name : String(error);
      }
    },

    middlewareStory: () => story,
    appCalls: () => calls,
    appCloses: () => closes,
    logged: () => lines,
    /** The errors that the error middleware has reported. */
    told: () => told,
    openAppGate: () => {
      gate.open();
      gate = new Gate();
    },
  };
}
