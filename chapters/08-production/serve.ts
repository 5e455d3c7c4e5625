/**
 * Puts the rooms of this chapter together: a server for an application of chapter 06 that can face the open internet.
 */

import type { CloseOptions, HttpServer, HttpTimeouts } from '../02-http/index.ts';
import type { AsyncApp, AsyncServeOptions } from '../06-websocket/index.ts';
import { NotImplemented } from '#course/not-implemented.ts';
import type { CertificateFor } from './front.ts';
import type { Check } from './health.ts';
import type { LogEntry } from './requests.ts';
import type { Settings } from './settings.ts';

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

export class ProductionServer {
  // Everything in here is yours. It grows with the exercises: each TODO says what the server can do when that exercise is done.

  // TODO 8.1  It serves the application (`serveAsync`) at `bind`, through a Front, over HTTPS if there are `certificates`. `given`
  //           counts before the defaults, and all of them are `checked` together. With `fd`, the socket of `bind` is there already:
  //           a supervisor has bound it. At `redirectBind`, through the same Front and without TLS, everything is redirected to
  //           the port of HTTPS: `publicPort`, or the one that is bound. With `hstsMs`, all responses over HTTPS have
  //           Strict-Transport-Security, those too with which the server refuses (`refusalHeaders`). A server that could not
  //           start has left nothing open.

  // TODO 8.2  Chapter 02's server waits as the settings say: `headerMs`, `idleMs`, `bodyMs` and, without a rate, `sendMs`; with
  //           one, the front cuts a silent client, too. And requests are held to their times (`withTimes`).

  // TODO 8.3  Applications are told of the client, and not of the proxy. `unix` is not a proxy for a server on a TCP port: there, a
  //           client without an address has just gone. With `requestIntervalMs` (0 is off), a client has one bucket, whichever
  //           port it comes to. With `crossSite: 'refuse'`, there are no forged requests.

  // TODO 8.5  Every request has a name, is counted, and, with `accessLog: 'on'`, has a line in the log: also one that was refused
  //           above, and with the address of its client. At `statusBind` the server tells how it is. When it is told to stop, it
  //           is not ready any more at once, and goes on serving for `drainDelayMs`, if the deadline leaves time for that. Until
  //           the last request has ended, it still tells.

  /** Use {@link serveProduction}. */
  private constructor() {}

  /** @throws CertificateError, SettingsError, LifespanError, or an Error with `code` for an address that is not available */
  static async start(app: AsyncApp, given: Partial<Settings>, options: ProductionOptions): Promise<ProductionServer> {
    throw new NotImplemented('8.1');
  }

  /** What accepts and serves connections. */
  get http(): HttpServer {
    throw new NotImplemented('8.1');
  }

  /** `https://127.0.0.1:8000`. */
  get origin(): string {
    throw new NotImplemented('8.1');
  }

  /** Where plain HTTP is redirected; `null` for nowhere. */
  get redirectOrigin(): string | null {
    throw new NotImplemented('8.1');
  }

  /** Where `/health`, `/readiness` and `/metrics` are; `null` for nowhere. */
  get statusOrigin(): string | null {
    // TODO 8.5  There is one.
    return null;
  }

  /** Reads the certificates again: new connections get the new ones. @throws CertificateError; then the old ones stay */
  reload(): void {
    throw new NotImplemented('8.1');
  }

  /** As {@link AsyncServer.closeGracefully}; before that, it says for the delay of the settings that it is not ready any more. */
  async closeGracefully({ deadlineMs = 10_000, idleMs = 0 }: CloseOptions = {}): Promise<void> {
    // TODO 8.1  Both servers end so. At the deadline those are cut who have not come as far as a request, too (`Front.cut`).
    throw new NotImplemented('8.1');
  }

  /** Stops accepting and cuts every connection. */
  close(): Promise<void> {
    return this.closeGracefully({ deadlineMs: 0 });
  }
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
