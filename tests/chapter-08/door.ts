/** What tests use of the chapter's door. */
import type { AddressInfo } from 'node:net';
import type { AsyncApp } from '#subject/06-websocket/index.ts';

/** Those that rules set; the table has more. */
export interface Settings {
  readonly bind: string;
  readonly certificates: readonly string[];
  readonly handshakeMs: number;
  readonly headerMs: number;
  readonly idleMs: number;
  readonly bodyMs: number;
  readonly bodyBytesPerSecondMin: number;
  readonly sendMs: number;
  readonly sendBytesPerSecondMin: number;
  readonly requestMs: number;
  readonly redirectBind: string;
  readonly publicPort: number;
  readonly hstsMs: number;
  readonly trustedProxies: readonly string[];
  readonly forwardedField: 'x-forwarded-for' | 'forwarded';
  readonly proxyProtocol: 'on' | 'off';
  readonly connectionsMax: number;
  readonly connectionsPerClientMax: number;
  readonly requestIntervalMs: number;
  readonly requestBurst: number;
  readonly crossSite: 'allow' | 'refuse';
  readonly statusBind: string;
  readonly checkMs: number;
  readonly drainDelayMs: number;
  readonly accessLog: 'on' | 'off';
}

export interface Server {
  readonly http: { readonly address: AddressInfo | string; readonly connections: number };
  readonly redirectOrigin: string | null;
  readonly statusOrigin: string | null;
  reload(): void | Promise<void>;
  closeGracefully(options: { deadlineMs: number }): Promise<void>;
}

export interface ServeOptions {
  readonly timeouts?: object;
  readonly limits?: object;
  readonly certificateFor?: (name: string) => never;
  readonly log?: (entry: object) => void;
  readonly checks?: Record<string, () => void | Promise<void>>;
  readonly onError?: (error: unknown) => void;
}

export interface Door {
  Patience: new (options: { bytesPerSecondMin: number; slackMs: number }) => { readonly leftMs: number; after(waitedMs: number, bytes: number): number };
  TokenBuckets: new (options: { intervalMs: number; burst: number; clientsMax?: number }) => { readonly size: number; take(key: string, nowMs: number): number };
  main: (argv: readonly string[]) => Promise<number | undefined>;
  serveProduction: (app: AsyncApp, settings: Partial<Settings>, options: ServeOptions) => Promise<Server>;
}
