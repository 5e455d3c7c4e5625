/**
 * Servers in the process of the code under test, and the application that they serve: it answers with what it was told.
 */
import type { AsyncApp, HttpScope, Receive, ReceivedEvent } from '#subject/06-websocket/index.ts';
import { patientTimeouts } from '#support/driver.ts';
import type { Address } from '#support/tcp-client.ts';
import type { Door, Server, Settings } from './door.ts';

/** What a test can tell a server: plain values alone, since they come from another process. */
export interface Setup {
  settings: Partial<Settings>;
  /** Of chapter 02. Default: patient ones. */
  timeouts?: Record<string, number>;
  limits?: Record<string, number>;
  /** Names for which the callback that finds certificates throws, and how. */
  throwing?: { name: string; how: 'at once' | 'later' };
}

export interface Served {
  address: Address;
  /** Where plain HTTP is redirected. */
  redirect: Address | null;
}

/** What the application answers with. */
export interface Told {
  method: string;
  path: string;
  scheme: string;
  client: { address: string; port: number } | null;
  host: string;
  body: string;
}

export class Servers {
  readonly #chapter: Door;
  readonly lines: string[] = [];
  #server: Server | undefined;

  constructor(chapter: Door) {
    this.#chapter = chapter;
  }

  async serve({ settings, timeouts = patientTimeouts, limits = {}, throwing }: Setup): Promise<Served> {
    const server = await this.#chapter.serveProduction(app, { bind: '127.0.0.1:0', ...settings }, {
      timeouts,
      limits,
      log: (line) => this.lines.push(line),
      onError: (error) => this.lines.push(String(error)),
      ...(throwing && { certificateFor: (name: string) => fail(name, throwing) as never }),
    });
    this.#server = server;
    const { address } = server.http;
    const { redirectOrigin } = server;
    const redirect = redirectOrigin === null ? null : new URL(redirectOrigin);
    return {
      // A client takes a path in the place of both.
      address: typeof address === 'string' ? ({ path: address } as unknown as Address) : { host: address.address, port: address.port },
      redirect: redirect && { host: redirect.hostname, port: Number(redirect.port) },
    };
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
  return { method, path, scheme, client, host: headers.find(([name]) => name === 'host')?.[1] ?? '', body };
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
    /** What the server has logged. */
    lines: (): string[] => [...servers.lines],
  };
}
