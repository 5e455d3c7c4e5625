/**
 * Puts the rooms of this chapter together: a server for an application of chapter 06 that can face the open internet.
 */

import type { AddressInfo } from 'node:net';

import { startDeadline } from '../01-echo/index.ts';
import { HttpServer } from '../02-http/index.ts';
import type { CloseOptions } from '../02-http/index.ts';
import { serveAsync } from '../06-websocket/index.ts';
import type { AsyncApp, AsyncServeOptions, AsyncServer } from '../06-websocket/index.ts';
import { parseBind } from '../07-prefork/index.ts';
import { Certificates } from './certificates.ts';
import { TrustedProxies, withClientAddress } from './client-address.ts';
import { Front } from './front.ts';
import type { CertificateFor } from './front.ts';
import { TokenBuckets, withRate } from './limits.ts';
import { redirectToHttps, strictTransport, withoutForgery, withStrictTransport } from './secure.ts';
import { checked, defaultSettings } from './settings.ts';
import type { Settings } from './settings.ts';

export interface ProductionOptions extends Omit<AsyncServeOptions, 'createServer' | 'host' | 'port' | 'path' | 'fd'> {
  readonly certificateFor?: CertificateFor;
  /** Is told, in a line, what happens to clients that are not let in. Default: written to stderr. */
  readonly log?: (line: string) => void;
}

export class ProductionServer {
  readonly #server: AsyncServer;
  readonly #front: Front;
  readonly #redirect: HttpServer | null;
  readonly #isSecure: boolean;

  /** Use {@link serveProduction}. */
  private constructor(server: AsyncServer, front: Front, redirect: HttpServer | null, isSecure: boolean) {
    this.#server = server;
    this.#front = front;
    this.#redirect = redirect;
    this.#isSecure = isSecure;
  }

  /** @throws CertificateError, SettingsError, LifespanError, or an Error with `code` for an address that is not available */
  static async start(app: AsyncApp, given: Partial<Settings>, options: ProductionOptions): Promise<ProductionServer> {
    const settings = checked({ ...defaultSettings, ...given });
    const { bind, redirectBind, publicPort, hstsMs } = settings;
    const { certificateFor, log = console.error, ...rest } = options;
    const certificates = settings.certificates.length === 0 ? null : new Certificates(settings.certificates);
    const address = parseBind(bind);
    // The peer of a TCP connection that is gone already has no address, either.
    const proxies = new TrustedProxies(settings.trustedProxies.filter((text) => text !== 'unix' || address.kind !== 'tcp'));
    const front = Promise.withResolvers<Front>();
    const server = await serveAsync(protect(app, settings, proxies), {
      ...rest,
      ...address,
      // What the server refuses by itself is seen by browsers, too.
      ...(certificates !== null && hstsMs > 0 && { refusalHeaders: [['Strict-Transport-Security', strictTransport(hstsMs)]] }),
      createServer: (onConnection) => {
        const made = new Front(onConnection, { settings, certificates, proxies, log, ...(certificateFor && { certificateFor }) });
        front.resolve(made);
        return made.server;
      },
    });
    const portOf = (): number => publicPort || (server.address as AddressInfo).port;
    const redirect = redirectBind === '' ? null : new HttpServer(redirectToHttps(portOf), options.timeouts && { timeouts: options.timeouts });
    try {
      await redirect?.listen(parseBind(redirectBind));
    } catch (error) {
      await server.close();
      throw error;
    }
    return new ProductionServer(server, await front.promise, redirect, certificates !== null);
  }

  /** What accepts and serves connections. */
  get http(): HttpServer {
    return this.#server.http;
  }

  /** `https://127.0.0.1:8000`. */
  get origin(): string {
    return this.#isSecure ? this.http.origin.replace('http:', 'https:') : this.http.origin;
  }

  /** Where plain HTTP is redirected; `null` for nowhere. */
  get redirectOrigin(): string | null {
    return this.#redirect?.origin ?? null;
  }

  /** Reads the certificates again: new connections get the new ones. @throws CertificateError; then the old ones stay */
  reload(): void {
    this.#front.reload();
  }

  /** As {@link AsyncServer.closeGracefully}. */
  async closeGracefully({ deadlineMs = 10_000, idleMs = 0 }: CloseOptions = {}): Promise<void> {
    const deadline = startDeadline(() => this.#front.cut(), deadlineMs);
    try {
      await Promise.all([this.#server.closeGracefully({ deadlineMs, idleMs }), this.#redirect?.closeGracefully({ deadlineMs })]);
    } finally {
      deadline.clear();
    }
  }

  /** Stops accepting and cuts every connection. */
  close(): Promise<void> {
    return this.closeGracefully({ deadlineMs: 0 });
  }
}

/** Puts around an application what looks at its requests: the last one is the first to see them. */
function protect(app: AsyncApp, { hstsMs, forwardedField: field, requestIntervalMs: intervalMs, requestBurst: burst, crossSite }: Settings, proxies: TrustedProxies): AsyncApp {
  const careful = crossSite === 'refuse' ? withoutForgery(app) : app;
  const limited = withRate(careful, intervalMs === 0 ? null : new TokenBuckets({ intervalMs, burst }));
  return withClientAddress(withStrictTransport(limited, hstsMs), { proxies, field });
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
