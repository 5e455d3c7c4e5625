/**
 * Puts the rooms of this chapter together: a server for an application of chapter 06 that can face the open internet.
 */

import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

import { startDeadline } from '../01-echo/index.ts';
import { HttpServer } from '../02-http/index.ts';
import type { CloseOptions, HttpTimeouts } from '../02-http/index.ts';
import { serveAsync } from '../06-websocket/index.ts';
import type { AsyncApp, AsyncServeOptions, AsyncServer } from '../06-websocket/index.ts';
import { parseBind } from '../07-prefork/index.ts';
import { Certificates } from './certificates.ts';
import { TrustedProxies, withClientAddress } from './client-address.ts';
import { Front } from './front.ts';
import type { CertificateFor } from './front.ts';
import { statusHandler } from './health.ts';
import type { Check } from './health.ts';
import { TokenBuckets, withRate } from './limits.ts';
import { Metrics } from './metrics.ts';
import { withRecords, withRequestId } from './requests.ts';
import type { LogEntry } from './requests.ts';
import { redirectToHttps, strictTransport, withoutForgery, withStrictTransport } from './secure.ts';
import { checked, defaultSettings } from './settings.ts';
import type { Settings } from './settings.ts';
import { withTimes } from './time.ts';

export interface ProductionOptions extends Omit<AsyncServeOptions, 'createServer' | 'host' | 'port' | 'path' | 'timeouts'> {
  /** A socket that listens, or is bound to `bind` already. */
  readonly fd?: number;
  /** Those that are not among the settings. */
  readonly timeouts?: Pick<HttpTimeouts, 'lingerMs'>;
  readonly certificateFor?: CertificateFor;
  /** What must be there for the server to be ready, by name. */
  readonly checks?: Readonly<Record<string, Check>>;
  /** Is told of clients that are not let in, and of requests if there is an access log. Default: lines of JSON on stderr. */
  readonly log?: (entry: LogEntry) => void;
}

/** What a server is made of. */
interface Parts {
  readonly settings: Settings;
  readonly server: AsyncServer;
  readonly front: Front;
  /** `null` for a server without TLS. */
  readonly certificates: Certificates | null;
  /** For plain HTTP. */
  readonly redirect: AsyncServer | null;
  /** For monitoring. */
  readonly status: HttpServer | null;
  readonly state: { isDraining: boolean };
}

export class ProductionServer {
  /** Set by {@link ProductionServer.start}. */
  #parts!: Parts;
  #draining: Promise<void> | null = null;

  /** Use {@link serveProduction}. */
  private constructor() {}

  /** @throws CertificateError, SettingsError, LifespanError, or an Error with `code` for an address that is not available */
  static async start(app: AsyncApp, given: Partial<Settings>, options: ProductionOptions): Promise<ProductionServer> {
    const settings = checked({ ...defaultSettings, ...given });
    const { bind, redirectBind, statusBind, publicPort, hstsMs, checkMs } = settings;
    const { certificateFor, checks = {}, log = toStderr, fd, ...rest } = options;
    const certificates = settings.certificates.length === 0 ? null : new Certificates(settings.certificates);
    const address = parseBind(bind);
    // The peer of a TCP connection that is gone already has no address, either.
    const proxies = new TrustedProxies(settings.trustedProxies.filter((text) => text !== 'unix' || address.kind !== 'tcp'));
    const metrics = new Metrics();
    const front = new Front({ settings, proxies, metrics, log, ...(certificateFor && { certificateFor }) });
    const timeouts = timeoutsOf(settings, options.timeouts);
    const around = protection(settings, { proxies, metrics, log });
    const server = await serveAsync(around(app), {
      ...rest,
      timeouts,
      ...(fd === undefined ? address : { fd }),
      // What the server refuses by itself is seen by browsers, too.
      ...(certificates !== null && hstsMs > 0 && { refusalHeaders: [['Strict-Transport-Security', strictTransport(hstsMs)]] }),
      createServer: (onConnection) => front.server(onConnection, certificates),
    });
    const state = { isDraining: false };
    const portOf = (): number => publicPort || (server.address as AddressInfo).port;
    const status = statusBind === '' ? null : new HttpServer(statusHandler({
      checks,
      checkMs,
      isDraining: () => state.isDraining,
      metrics: () => metrics.text(front.connections),
      onFailure: (check, error) => log({ event: 'check failed', check, reason: String(error) }),
    }), { timeouts });
    let redirect: AsyncServer | null = null;
    try {
      if (redirectBind !== '') {
        const createServer = (onConnection: (socket: Socket) => void): Server => front.server(onConnection, null);
        redirect = await serveAsync(around(redirectToHttps(portOf)), { ...rest, timeouts, ...parseBind(redirectBind), lifespan: 'off', createServer });
      }
      await status?.listen(parseBind(statusBind));
    } catch (error) {
      await Promise.all([server.close(), redirect?.close()]);
      throw error;
    }
    const started = new ProductionServer();
    started.#parts = { settings, certificates, server, front, redirect, status, state };
    return started;
  }

  /** What accepts and serves connections. */
  get http(): HttpServer {
    return this.#parts.server.http;
  }

  /** `https://127.0.0.1:8000`. */
  get origin(): string {
    return this.#parts.settings.certificates.length > 0 ? this.http.origin.replace('http:', 'https:') : this.http.origin;
  }

  /** Where plain HTTP is redirected; `null` for nowhere. */
  get redirectOrigin(): string | null {
    return this.#parts.redirect?.origin ?? null;
  }

  /** Where `/health`, `/readiness` and `/metrics` are; `null` for nowhere. */
  get statusOrigin(): string | null {
    return this.#parts.status?.origin ?? null;
  }

  /** Reads the certificates again: new connections get the new ones. @throws CertificateError; then the old ones stay */
  reload(): void {
    const { certificates, front } = this.#parts;
    certificates?.reload();
    if (certificates !== null) front.setFirst(certificates.first);
  }

  /** As {@link AsyncServer.closeGracefully}; before that, it says for the delay of the settings that it is not ready any more. */
  async closeGracefully({ deadlineMs = 10_000, idleMs = 0 }: CloseOptions = {}): Promise<void> {
    const { settings, server, front, redirect, status, state } = this.#parts;
    state.isDraining = true;
    this.#draining ??= wait(settings.drainDelayMs);
    const deadline = startDeadline(() => front.cut(), deadlineMs);
    try {
      if (deadlineMs > settings.drainDelayMs) await this.#draining;
      await Promise.all([server.closeGracefully({ deadlineMs, idleMs }), redirect?.closeGracefully({ deadlineMs })]);
    } finally {
      deadline.clear();
      await status?.close();
    }
  }

  /** Stops accepting and cuts every connection. */
  close(): Promise<void> {
    return this.closeGracefully({ deadlineMs: 0 });
  }
}

interface Records {
  readonly proxies: TrustedProxies;
  readonly metrics: Metrics;
  readonly log: (entry: LogEntry) => void;
}

/** What is put around each application to look at its requests: the last one is the first to see them. */
function protection(settings: Settings, { proxies, metrics, log }: Records): (app: AsyncApp) => AsyncApp {
  const { hstsMs, forwardedField: field, requestIntervalMs: intervalMs, requestBurst: burst, crossSite, accessLog } = settings;
  // One bucket for each client, and not one for each application.
  const buckets = intervalMs === 0 ? null : new TokenBuckets({ intervalMs, burst });
  return (app) => {
    const careful = crossSite === 'refuse' ? withoutForgery(app) : app;
    const limited = withRate(careful, buckets);
    const timed = withTimes(withStrictTransport(limited, hstsMs), settings);
    const recorded = withRecords(timed, metrics, accessLog === 'on' ? log : () => undefined);
    return withRequestId(withClientAddress(recorded, { proxies, field }), proxies);
  };
}

/** What chapter 02 measures: each of these is about one wait, and not about a rate. */
function timeoutsOf({ headerMs, idleMs, bodyMs, sendMs, sendBytesPerSecondMin }: Settings, others: ProductionOptions['timeouts']): Partial<HttpTimeouts> {
  // With a rate, the front cuts a silent client, too, and says why.
  return { ...others, headerMs, idleMs, bodyMs, sendMs: sendBytesPerSecondMin === 0 ? sendMs : Infinity };
}

function toStderr(entry: LogEntry): void {
  console.error(JSON.stringify({ time: new Date().toISOString(), ...entry }));
}

/**
 * Serves an application. Resolves when it has started and connections are accepted.
 *
 * @param settings those that are not given have their defaults
 * @throws CertificateError for files that cannot be used; SettingsError; LifespanError for an application that could not
 *   start; an Error with `code` for an address that is not available
 */
export function serveProduction(app: AsyncApp, settings: Partial<Settings>, options: ProductionOptions = {}): Promise<ProductionServer> {
  return ProductionServer.start(app, settings, options);
}
