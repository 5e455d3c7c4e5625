/**
 * Servers for the applications of the tests, in the process of the code under test, and what is known of them: what
 * applications have noted, what the server was told, and gates at which applications wait for the test.
 */
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type * as Http from '#subject/02-http/index.ts';
import type * as Chapter06 from '#subject/06-websocket/index.ts';
import { patientTimeouts } from '#support/driver.ts';
import type { Address } from '#support/tcp-client.ts';

export type Chapter = typeof Chapter06;

/** What a test can tell a server: plain values alone, since they come from another process. */
export interface ServeSetup {
  /** Default `off`: what is not about the lifespan does not need it. */
  lifespan?: 'auto' | 'off';
  /** Default: one that is free. */
  port?: number;
  startupMs?: number;
  shutdownMs?: number;
  bufferedBytesMax?: number;
  /** Chapter 02's. */
  limits?: Partial<Http.HttpLimits>;
  timeouts?: Partial<Http.HttpTimeouts>;
  websocket?: Omit<Chapter06.WebSocketsOptions, 'onError'>;
}

/** What the person who runs the server was told. */
export interface Report {
  name: string;
  message: string;
  /** Of a GatewayError. */
  rule?: string;
  /** The type of the scope, `null` for none. */
  scope: string | null;
}

/** What applications tell a test, and the gates at which they wait for it. */
export class Probe {
  readonly events: string[] = [];
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();
  #waiting: (() => void)[] = [];

  note(event: string): void {
    this.events.push(event);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Resolves when this has been noted this many times, even if that has happened already. */
  async seen(event: string, times = 1): Promise<void> {
    while (this.count(event) < times) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The event, `times` in number, that begins with one of these, those before `from` not counted; waits for it. */
  async told(beginnings: readonly string[], times = 1, from = 0): Promise<string> {
    for (;;) {
      const fits = (event: string): boolean => beginnings.some((beginning) => event.startsWith(beginning));
      const found = this.events.slice(from).filter(fits);
      if (found.length >= times) return found[times - 1]!;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  count(event: string): number {
    return this.events.filter((seen) => seen === event).length;
  }

  open(gate: string): void {
    this.#gate(gate).resolve();
  }

  async pass(gate: string): Promise<void> {
    await this.#gate(gate).promise;
  }

  #gate(name: string): PromiseWithResolvers<void> {
    const known = this.#gates.get(name) ?? Promise.withResolvers<void>();
    this.#gates.set(name, known);
    return known;
  }
}

export class Stage {
  readonly chapter: Chapter;
  readonly probe = new Probe();
  readonly reports: Report[] = [];
  /** In the order in which they were started. */
  readonly servers: Chapter06.AsyncServer[] = [];

  constructor(chapter: Chapter) {
    this.chapter = chapter;
  }

  /** Serves an application on a port of its own. */
  async serve(app: Chapter06.AsyncApp, setup: ServeSetup = {}): Promise<Address> {
    const own = { host: '127.0.0.1', onError: this.report };
    const server = await this.chapter.serveAsync(app, { lifespan: 'off', port: 0, timeouts: patientTimeouts, ...setup, ...own });
    this.servers.push(server);
    return addressOf(server);
  }

  /** The server that was started last. */
  get server(): Chapter06.AsyncServer {
    const server = this.servers.at(-1);
    if (server === undefined) throw new Error('no server was started');
    return server;
  }

  readonly report = (error: unknown, scope: Chapter06.Scope | null = null): void => {
    const { name, message, rule } = describe(error);
    this.reports.push({ name, message, scope: scope?.type ?? null, ...(rule !== undefined && { rule }) });
    this.probe.note('a report');
  };
}

export function addressOf(server: Chapter06.AsyncServer): Address {
  return { host: '127.0.0.1', port: (server.address as AddressInfo).port };
}

/** Anything thrown, whether or not it is an Error. */
export function describe(error: unknown): { name: string; message: string; rule?: string } {
  if (!(error instanceof Error)) return { name: typeof error, message: String(error) };
  const rule = 'rule' in error ? { rule: String(error.rule) } : {};
  return { name: error.name, message: error.message, ...rule };
}

/** `A50` for a GatewayError, else the error's name; `sent` where there was none. */
export async function outcome(promise: Promise<unknown>): Promise<string> {
  return await promise.then(() => 'sent', (error: unknown) => {
    const { name, rule } = describe(error);
    return rule ?? name;
  });
}

/** What the tests of every exercise call. */
export function stageCalls(stage: Stage) {
  const { probe } = stage;
  return {
    events: () => probe.events,
    count: (event: string) => probe.count(event),
    /** Waits for it. */
    seen: async (event: string, times = 1) => await probe.seen(event, times),
    told: async (beginnings: readonly string[], times = 1, from = 0) => await probe.told(beginnings, times, from),
    openGate: (name: string) => probe.open(name),
    reports: () => stage.reports,

    /** Begins to stop the server that was started last; notes `stopped` when it has. */
    beginStop: (deadlineMs: number): void => {
      void stage.server.closeGracefully({ deadlineMs }).then(
        () => probe.note('stopped'),
        (error: unknown) => probe.note(`could not stop: ${String(error)}`),
      );
    },

    /** The connections that the server counts. */
    connections: (): number => stage.server.http.connections,

    /** What nobody holds is gone afterwards. The bytes of all buffers that are held. */
    collectGarbage: async (): Promise<number> => {
      setFlagsFromString('--expose-gc');
      const collect = runInNewContext('gc') as () => void;
      for (let round = 0; round < 3; round++) {
        collect();
        await new Promise((resolve) => setImmediate(resolve));
      }
      return process.memoryUsage().arrayBuffers;
    },
  };
}
