/**
 * Servers in the process of the code under test, and the application that they serve: it answers with what it was told.
 */
import type { AsyncApp, HttpScope, Receive, ReceivedEvent } from '#subject/06-websocket/index.ts';
import type { Address } from '#support/tcp-client.ts';
import type { Door, Server, Settings } from './door.ts';
import { Clocked } from './clocked.ts';

/** What a test can tell a server: plain values alone, since they come from another process. */
export interface Setup {
  settings: Partial<Settings>;
  limits?: Record<string, number>;
  /** Checks of readiness, by name; see the call `checks`. */
  checks?: readonly string[];
  /** Names for which the callback that finds certificates throws, and how. */
  throwing?: { name: string; how: 'at once' | 'later' };
}

/** What no client is slow enough for, unless a rule says otherwise. */
const LONG_MS = 120_000;
const patient: Partial<Settings> = {
  headerMs: LONG_MS, idleMs: LONG_MS, bodyMs: LONG_MS, bodyBytesPerSecondMin: 0, sendMs: LONG_MS, sendBytesPerSecondMin: 0, requestMs: 0,
};

export interface Served {
  address: Address;
  /** Where plain HTTP is redirected. */
  redirect: Address | null;
  /** Where monitoring asks. */
  status: Address | null;
}

/** What a check of readiness does. `waits`: until the next call of `checks`. */
export type CheckOutcome = 'passes' | 'throws' | 'rejects' | 'waits';

/** What the application answers with. */
export interface Told {
  method: string;
  path: string;
  scheme: string;
  client: { address: string; port: number } | null;
  host: string;
  body: string;
  requestId: string | null;
}

export class Servers {
  readonly #chapter: Door;
  readonly lines: string[] = [];
  readonly clocked = new Clocked();
  /** How often checks have run. */
  checked = 0;
  #outcome: CheckOutcome = 'passes';
  #waiting = Promise.withResolvers<void>();
  #server: Server | undefined;

  constructor(chapter: Door) {
    this.#chapter = chapter;
  }

  async serve({ settings, limits = {}, checks = [], throwing }: Setup): Promise<Served> {
    const server = await this.#chapter.serveProduction(this.clocked.around(app), { bind: '127.0.0.1:0', ...patient, ...settings }, {
      timeouts: { lingerMs: LONG_MS },
      limits,
      log: (entry) => this.lines.push(JSON.stringify(entry)),
      checks: Object.fromEntries(checks.map((name) => [name, () => this.#check(name)])),
      onError: (error) => this.lines.push(String(error)),
      ...(throwing && { certificateFor: (name: string) => fail(name, throwing) as never }),
    });
    this.#server = server;
    const { address } = server.http;
    const { redirectOrigin, statusOrigin } = server;
    const at = (origin: string | null): Address | null => origin === null ? null : { host: new URL(origin).hostname, port: Number(new URL(origin).port) };
    return {
      // A client takes a path in the place of both.
      address: typeof address === 'string' ? ({ path: address } as unknown as Address) : { host: address.address, port: address.port },
      redirect: at(redirectOrigin),
      status: at(statusOrigin),
    };
  }

  #check(name: string): void | Promise<void> {
    this.checked++;
    if (this.#outcome === 'throws') throw new Error(`the secret of ${name}`);
    if (this.#outcome === 'rejects') return Promise.reject(new Error(`the secret of ${name}`));
    return this.#outcome === 'waits' ? this.#waiting.promise : undefined;
  }

  /** From now on checks do this. Those that wait pass. */
  check(outcome: CheckOutcome): void {
    this.#outcome = outcome;
    this.#waiting.resolve();
    this.#waiting = Promise.withResolvers();
  }

  get server(): Server {
    if (this.#server === undefined) throw new Error('no server was started');
    return this.#server;
  }
}

function fail(name: string, { name: which, how }: NonNullable<Setup['throwing']>): unknown {
  if (name.toLowerCase() !== which) return undefined;
  const error = new Error(`the callback throws for ${name}`);
  if (how === 'at once') throw error;
  return Promise.reject(error);
}

/** Reads the whole body, and then answers with what it was told. `/hsts` has a policy of its own; `/fault` throws. */
const app: AsyncApp = async (scope, receive, send) => {
  if (scope.type !== 'http') return;
  const body = await bodyOf(receive);
  if (scope.path === '/fault') throw new Error('the application throws');
  const headers = [['Content-Type', 'application/json'], ...(scope.path === '/hsts' ? [['Strict-Transport-Security', 'max-age=7']] : [])] as [string, string][];
  await send({ type: 'http.response.start', status: 200, headers });
  await send({ type: 'http.response.body', body: Buffer.from(JSON.stringify(told(scope, body))) });
};

function told({ method, path, scheme, client, headers }: HttpScope, body: string): Told {
  const valueOf = (wanted: string): string | undefined => headers.find(([name]) => name === wanted)?.[1];
  return { method, path, scheme, client, host: valueOf('host') ?? '', body, requestId: valueOf('x-request-id') ?? null };
}

async function bodyOf(receive: Receive<ReceivedEvent>): Promise<string> {
  let body = '';
  for (;;) {
    const event = await receive();
    if (event.type !== 'http.request') return body;
    body += Buffer.from(event.body ?? []).toString('latin1');
    if (event.moreBody !== true) return body;
  }
}

/** The calls of all exercises. */
export function serverCalls(servers: Servers) {
  return {
    serve: async (setup: Setup): Promise<Served> => await servers.serve(setup),
    /** Whether it can be started, and what is said if it cannot. */
    problem: async (setup: Setup): Promise<{ name: string; message: string } | null> => {
      try {
        await servers.serve(setup);
        return null;
      } catch (error) {
        return error instanceof Error ? { name: error.name, message: error.message } : { name: 'thrown value', message: String(error) };
      }
    },
    /** Has the certificates read again; what is said if they cannot be used. */
    reload: async (): Promise<string | null> => {
      try {
        await servers.server.reload();
        return null;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
    close: async (deadlineMs: number) => await servers.server.closeGracefully({ deadlineMs }),
    /** Opens the gate at which paths of 8.2 wait; the next one that comes there waits again. */
    release: () => servers.clocked.release(),
    /** What the paths of 8.2 have seen. */
    clocked: () => servers.clocked.counts,
    /** What the checks of readiness do from now on. */
    checks: (outcome: CheckOutcome) => servers.check(outcome),
    checked: (): number => servers.checked,
    /** Begins to stop, and does not wait for it. */
    beginClose: (deadlineMs: number) => {
      servers.server.closeGracefully({ deadlineMs }).catch((error: unknown) => servers.lines.push(String(error)));
    },
    /** What the server has logged. */
    lines: (): string[] => [...servers.lines],
  };
}
