/** What tests use of the chapter's door. */

export interface Settings {
  readonly app: string;
  readonly bind: string;
  readonly workers: number;
  readonly workerClass: 'async' | 'sync';
  readonly interface: 'auto' | 'gateway' | 'async' | 'node' | 'fetch';
  readonly backlog: number;
  readonly timeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly bootTimeoutMs: number;
  readonly bootTries: number;
  readonly gracefulTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly streamCloseDelayMs: number;
  readonly maxRequests: number;
  readonly maxRequestsJitter: number;
  readonly rssMaxBytes: number;
  readonly lifetimeMs: number;
  readonly loopDelayMaxMs: number;
  readonly unfitSamples: number;
  readonly pidfile: string;
  readonly user: string;
  readonly group: string;
  readonly umask: string;
  readonly procName: string;
  readonly accessLog: string;
  readonly accessLogFormat: string;
  readonly errorLog: string;
  readonly captureOutput: boolean;
  readonly controlSocket: string;
  readonly metricsBind: string;
  readonly reload: boolean;
  readonly static: string;
}

export interface Loaded {
  readonly settings: Settings;
  readonly hooks: object;
  readonly action: 'run' | 'print' | 'check' | 'help' | 'control';
  readonly configFile: string | null;
  readonly rest: string[];
}

export type Bind =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'fd'; readonly fd: number };

export interface AccessFacts {
  readonly client: string | null;
  readonly user: string | null;
  readonly time: Date;
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly status: number;
  readonly bytes: number;
  readonly durationMs: number;
  readonly pid: number;
  readonly requestHeaders: readonly (readonly [string, string])[];
  readonly responseHeaders: readonly (readonly [string, string])[];
}

export interface Door {
  Supervisor: new (settings: Settings, options?: { hooks?: object; reread?: () => Promise<Loaded> }) => { run(): Promise<number> };
  defaultSettings: Settings;
  becomeInit: (settings: Settings) => void;
  parseBind: (text: string) => Bind;
  accessLine: (format: string, facts: AccessFacts) => string;
  controlClient: (path: string, command: string, pid?: number) => Promise<number>;
  errorPage: (error: unknown, options: { production: boolean }) => string;
  SettingsError: new (...args: never[]) => Error;
  loadSettings: (sources: { argv: readonly string[]; env: Record<string, string | undefined>; directory: string }) => Promise<Loaded>;
  Pidfile: new (path: string) => { write(): void; remove(): void };
  main: (argv: readonly string[]) => Promise<number>;
}
