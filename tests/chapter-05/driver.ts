/** What the tests of chapter 05 do inside the process under test. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { NotImplemented } from '#course/not-implemented.ts';
import type * as Http from '#subject/02-http/index.ts';
import type * as Gateway from '#subject/05-gateway/index.ts';
import { driver, patientTimeouts, WrongResult } from '#support/driver.ts';
import type { Address } from '#support/tcp-client.ts';
import { collect, makeApps, Probe } from './apps.ts';
import { brokenServers } from './broken-servers.ts';
import { cgiCalls } from './cgi-calls.ts';
import { directCalls } from './direct-calls.ts';
import { asSupertest, failResponse, frameworks } from './frameworks.ts';
import type { FrameworkName, SupertestCase } from './frameworks.ts';
import { middlewareCalls } from './middleware-calls.ts';
import { routerCalls } from './router-calls.ts';
import { Stage } from './serve-app.ts';

export interface Pair {
  rule: string;
  side: string;
  message: string;
}

/** The settings of a gateway server that a test can choose. */
export interface ServeSetup {
  multithread?: boolean;
  multiprocess?: boolean;
  runOnce?: boolean;
  serverSoftware?: string;
  serverName?: string;
  serverPort?: number;
  heldBytesMax?: number;
  limits?: Partial<Http.HttpLimits>;
  /** Puts a validator around the applications. */
  validated?: boolean;
  /** Leaves reports where the server puts them by default: in `gateway.errors`. */
  silent?: boolean;
  /** Mounts the applications at this path. */
  mountedAt?: string;
}

/** How soon after its end a body must be closed when a validator watches, in milliseconds. */
const CLOSE_MS = 200;
const CLOSE_MS_OF_BROKEN_SERVERS = 60;

/** An environ, as far as a message can carry it. */
export interface TellsEnviron {
  /** Strings, numbers, booleans and lists as they are; for other values, their kind. */
  values: Record<string, unknown>;
  prototype: 'Object' | 'null' | 'another';
  /** All keys are its own, enumerable and writable, and another can be added. */
  ordinary: boolean;
  /** What each call on the input gave, as latin1; `error 413` for one that was refused. */
  readings: string[];
}

/**
 * A part that is not written yet is reported as such, and not as a 500 or a closed connection, whatever catches it.
 * A test that asks after this process finds it dead.
 */
Object.defineProperty(NotImplemented.prototype, 'name', {
  set(this: NotImplemented, name: string) {
    Object.defineProperty(this, 'name', { value: name });
    process.nextTick(() => {
      throw this;
    });
  },
});

export default driver<typeof Gateway>()('05-gateway', (chapter, load) => {
  const probe = new Probe();
  const stage = new Stage(chapter, load);
  const errors: string[] = [];
  const breaches: Pair[] = [];
  /** The number of breaches in each report. */
  const reports: number[] = [];
  const environs = new Set<object>();
  let written = '';

  const onError = (error: unknown): void => void errors.push(error instanceof Error ? error.message : String(error));
  const report = (list: readonly Gateway.Breach[]): void => {
    reports.push(list.length);
    for (const { rule, side, message } of list) breaches.push({ rule, side, message });
  };

  function gatewayOptions(setup: ServeSetup): Gateway.GatewayOptions {
    const { limits: _limits, validated: _validated, silent = false, mountedAt: _mountedAt, ...options } = setup;
    const own: Gateway.GatewayOptions = { ...options, errors: { write: (text) => void (written += text) } };
    return silent ? own : { ...own, onError };
  }

  function apps(setup: ServeSetup): Gateway.GatewayApp {
    const all = makeApps(probe);
    const app: Gateway.GatewayApp = setup.validated === true ? chapter.validator(all, { report, closeMs: CLOSE_MS }) : all;
    return setup.mountedAt === undefined ? app : mounted(app, setup.mountedAt);
  }

  async function listen(handler: Http.Handler, setup: ServeSetup): Promise<Address> {
    const http = (await load('02-http')) as typeof Http;
    const { limits } = setup;
    const server = await http.serveHttp(handler, { host: '127.0.0.1', port: 0, onError, timeouts: patientTimeouts, ...(limits === undefined ? {} : { limits }) });
    return { host: '127.0.0.1', port: (server.address as AddressInfo).port };
  }

  async function listenOnNode(handler: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<Address> {
    const server = createServer(handler);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  }

  const direct = directCalls(chapter, probe, onError);

  return {
    /** Answers every request with its environ. A field X-Read says what to read from the input first. */
    serveEnviron: async (setup: ServeSetup = {}): Promise<Address> => {
      const http = (await load('02-http')) as typeof Http;
      const settings = chapter.withGatewayDefaults(gatewayOptions(setup));
      const handler: Http.Handler = async (request) => {
        const input = request.hasBody ? new chapter.BodyInput(() => request.body, settings.heldBytesMax) : chapter.noInput;
        const environ = chapter.environOf(request, settings, input);
        if (typeof environ !== 'object' || environ === null) throw new WrongResult(`environOf must return an object; it returned ${String(environ)}`);
        if (environs.has(environ)) throw new WrongResult('environOf returned the same object for two requests');
        environs.add(environ);
        const steps = JSON.parse(request.headers.get('x-read') ?? '[]') as string[];
        const told: TellsEnviron = { ...tell(environ), readings: await readings(environ['gateway.input'], steps) };
        return new http.HttpResponse(200, [], JSON.stringify(told));
      };
      return await listen(handler, setup);
    },

    /** The environ of a request about which only this is known. */
    environOf: (facts: Partial<Gateway.RequestFacts>): Omit<TellsEnviron, 'readings'> => tell(direct.environOf(facts)),

    /** What reading gives if the body breaks off after this text. */
    readBroken: async (given: string, status: number, steps: readonly string[]): Promise<string[]> => {
      async function* parts(): AsyncGenerator<Buffer> {
        yield await Promise.resolve(Buffer.from(given));
        throw Object.assign(new Error('broken off'), { status });
      }
      return await readings(new chapter.BodyInput(parts, 10_000), steps);
    },

    /** The applications of apps.ts on chapter 02's server. */
    serve: async (setup: ServeSetup = {}): Promise<Address> => await listen(chapter.toHandler(apps(setup), gatewayOptions(setup)), setup),

    /** The applications of apps.ts on node:http. */
    serveOnNode: async (setup: ServeSetup = {}): Promise<Address> => await listenOnNode(chapter.toNodeHandler(apps(setup), gatewayOptions(setup))),

    /** A framework's application, unchanged, on chapter 02's server. */
    serveFramework: async (name: FrameworkName, setup: ServeSetup = {}): Promise<Address> => {
      const app = await frameworks(chapter, probe)[name]();
      const below = setup.mountedAt === undefined ? app : mounted(app, setup.mountedAt);
      return await listen(chapter.toHandler(below, gatewayOptions(setup)), setup);
    },

    /** A fetch handler that answers with the request that it got. */
    serveFetch: async (): Promise<Address> => {
      const app = chapter.fromFetch(async (request) => Response.json({ url: request.url, method: request.method, text: await request.text() }));
      return await listen(chapter.toHandler(app, gatewayOptions({})), {});
    },

    /** An application that tells where it is mounted, below a path of Express on node:http. */
    serveBelowExpress: async (path: string): Promise<Address> => {
      const tells: Gateway.GatewayApp = (environ, startResponse) => {
        startResponse('200 OK', [['Content-Type', 'application/json']]);
        return [Buffer.from(JSON.stringify({ scriptName: environ.SCRIPT_NAME, pathInfo: environ.PATH_INFO, rawPathInfo: environ['gateway.rawPathInfo'] }))];
      };
      const { default: express } = await import('express');
      const app = express();
      app.use(path, chapter.toNodeHandler(tells, gatewayOptions({})));
      return await listenOnNode(app);
    },

    /** Lets supertest ask an application of apps.ts. */
    supertest: async (cases: SupertestCase[]) => await asSupertest(chapter.toNodeHandler(apps({}), gatewayOptions({})), cases),

    /** Makes Node's response to a waiting request emit an error. */
    failNodeResponse: async () => await failResponse(chapter.toNodeHandler(apps({}), gatewayOptions({})), listenOnNode, probe),

    /** Runs a server that breaks a rule on an application with a validator around it, and returns what was reported. */
    watchServer: async (name: string): Promise<{ breaches: Pair[]; reports: number[]; seen: string[] }> => {
      const run = brokenServers[name];
      if (run === undefined) throw new Error(`there is no server ${name}`);
      const seen = await run((app) => chapter.validator(app, { report, closeMs: CLOSE_MS_OF_BROKEN_SERVERS }));
      return { breaches, reports, seen: seen ?? [] };
    },

    /**
     * Of two timers of the same length, the later one fires later: after this, every validator that was waiting for a
     * close() has reported.
     */
    passCloseMs: async () => await new Promise<void>((resolve) => void setTimeout(resolve, CLOSE_MS)),

    serversThatBreakRules: () => Object.keys(brokenServers),

    breaches: () => breaches,
    reports: () => reports,
    errors: () => errors,
    written: () => written,
    events: () => probe.events,
    count: (event: string) => probe.events.filter((seen) => seen === event).length,
    openGate: (name: string) => probe.open(name),
    /** Afterwards, what nothing refers to is gone. */
    collectGarbage: async () => {
      setFlagsFromString('--expose-gc');
      const collect = runInNewContext('gc') as () => void;
      for (let round = 0; round < 3; round++) {
        collect();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },

    // 5.2
    callForNobody: direct.callForNobody,
    callAndLeaveByClose: direct.callAndLeaveByClose,

    // 5.4, 5.5, 5.7
    ...routerCalls(chapter, stage),
    ...middlewareCalls(chapter, load, stage),
    ...cgiCalls(chapter, stage),
    reported: () => stage.reported,
    gatewayErrors: () => stage.written.join(''),
  };

  async function readings(input: Gateway.GatewayInput, steps: readonly string[]): Promise<string[]> {
    const seen: string[] = [];
    for (const step of steps) {
      const [verb, size] = step.split(' ');
      const bytes = size === undefined ? undefined : Number(size);
      try {
        if (verb === 'read') seen.push((await input.read(bytes)).toString('latin1'));
        else if (verb === 'readline') seen.push((await input.readline(bytes)).toString('latin1'));
        else if (verb === 'lines') for await (const line of input.lines()) seen.push(line.toString('latin1'));
        else seen.push((await collect(input)).toString('latin1'));
      } catch (error) {
        if (error instanceof NotImplemented) throw error;
        seen.push(`error ${String((error as { status?: unknown } | null)?.status ?? 'without a status')}`);
      }
    }
    return seen;
  }
});

/** The path that led to the application is in SCRIPT_NAME, where a mount puts it. */
function mounted(app: Gateway.GatewayApp, path: string): Gateway.GatewayApp {
  return (environ, startResponse) => app({ ...environ, SCRIPT_NAME: path }, startResponse);
}

function tell(environ: Gateway.Environ): Omit<TellsEnviron, 'readings'> {
  const values: Record<string, unknown> = {};
  let ordinary = Object.isExtensible(environ);
  for (const key of Reflect.ownKeys(environ)) {
    const { enumerable, writable, configurable } = Object.getOwnPropertyDescriptor(environ, key)!;
    if (!enumerable || !writable || !configurable) ordinary = false;
    values[String(key)] = describe(environ[String(key)]);
  }
  const prototype: unknown = Object.getPrototypeOf(environ);
  return { values, ordinary, prototype: prototype === Object.prototype ? 'Object' : prototype === null ? 'null' : 'another' };
}

function describe(value: unknown): unknown {
  if (value === undefined) return 'undefined';
  if (value instanceof AbortSignal) return value.aborted ? 'an aborted AbortSignal' : 'an AbortSignal';
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? 'an object' : value;
}
