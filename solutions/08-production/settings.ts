/**
 * The settings of the server at the edge: one table. Their types, their defaults, the flags and the help come out of it.
 *
 * People write seconds; the code has milliseconds.
 */

import { parseArgs } from 'node:util';

import { parseBind, SettingsError } from '../07-prefork/index.ts';

interface Row {
  /** In the unit that people write. */
  readonly default: string | number | readonly string[];
  /** The least and the most, of a number. Where the default is 0, and for a rate, 0 is allowed and means that there is none. */
  readonly range?: readonly [number, number];
  /** What a text is like. */
  readonly form?: string;
  readonly pattern?: RegExp;
  readonly meaning: string;
}

const BIND_FORM = 'HOST:PORT, [V6]:PORT, unix:PATH or fd://N';
const none: readonly string[] = [];

const table = {
  app: { default: '', form: 'MODULE:EXPORT', meaning: 'the application, such as ./app.ts:app; an argument without a flag' },
  bind: { default: '127.0.0.1:8000', form: BIND_FORM, meaning: 'where to listen; port 0 takes a free one' },
  workers: { default: 0, range: [1, 1024], meaning: 'how many processes serve, below a supervisor that takes the signals of chapter 07' },
  certificates: {
    default: none, form: 'CERTIFICATE.pem,KEY.pem', pattern: /^[^,]+,[^,]+$/,
    meaning: 'serve HTTPS with it, for the names that it names; may be given several times',
  },
  handshakeMs: { default: 10, range: [0.1, 3600], meaning: 'how long a client may take until its connection is secured' },
  headerMs: { default: 15, range: [0.1, 3600], meaning: 'how long a client may take for the head of a request' },
  idleMs: { default: 15, range: [0.1, 3600], meaning: 'how long a connection is kept between two requests, and before the first' },
  bodyMs: { default: 30, range: [0.1, 3600], meaning: 'how long a client may send nothing of a body, or be behind its rate' },
  bodyBytesPerSecondMin: { default: 500, range: [1, 1_000_000_000], meaning: 'at which rate a client must send a body in the long run' },
  sendMs: { default: 30, range: [0.1, 3600], meaning: 'how long a client may take nothing of a response, or be behind its rate' },
  sendBytesPerSecondMin: { default: 500, range: [1, 1_000_000_000], meaning: 'at which rate a client must take a response in the long run' },
  requestMs: { default: 0, range: [0.1, 100_000], meaning: 'how long a request may take from its head to the end of its response' },
  redirectBind: { default: '', form: BIND_FORM, meaning: 'where plain HTTP is answered with a redirect to HTTPS' },
  publicPort: { default: 0, range: [1, 65_535], meaning: 'the port that a redirect names, if it is not the one of --bind' },
  hstsMs: { default: 0, range: [1, 100_000_000], meaning: 'how long browsers ask for HTTPS only, after they have seen a response' },
  trustedProxies: {
    default: none, form: 'an address, a network such as 10.0.0.0/8, or unix',
    meaning: 'a proxy that is believed when it says who its client is; may be given several times',
  },
  forwardedField: {
    default: 'x-forwarded-for', form: 'x-forwarded-for or forwarded', pattern: /^(x-forwarded-for|forwarded)$/,
    meaning: 'the field in which those proxies say so; the other one is ignored',
  },
  proxyProtocol: { default: 'off', form: 'on or off', pattern: /^(on|off)$/, meaning: 'whether connections of those proxies begin with a PROXY header' },
  connectionsMax: { default: 10_000, range: [1, 1_000_000], meaning: 'how many connections may be open; more are closed at once' },
  connectionsPerClientMax: { default: 0, range: [1, 1_000_000], meaning: 'how many of them one address may have; trusted proxies may have more' },
  requestIntervalMs: { default: 0, range: [0.001, 3600], meaning: 'a client may ask this often in the long run; beyond it gets 429' },
  requestBurst: { default: 50, range: [1, 1_000_000], meaning: 'how many requests at a time a client may be ahead of that' },
  crossSite: { default: 'allow', form: 'allow or refuse', pattern: /^(allow|refuse)$/, meaning: 'whether pages of other sites may change something' },
  statusBind: { default: '', form: BIND_FORM, meaning: 'where /health, /readiness and /metrics are answered: not for strangers' },
  checkMs: { default: 2, range: [0.01, 60], meaning: 'how long a check of readiness may take' },
  drainDelayMs: { default: 0, range: [0.01, 3600], meaning: 'how long a server that was told to stop says so before it takes no more connections' },
  accessLog: { default: 'off', form: 'on or off', pattern: /^(on|off)$/, meaning: 'whether there is a line of JSON for each request' },
} as const satisfies Record<string, Row>;

type ValueOf<R extends Row> = R['default'] extends string ? string : R['default'] extends number ? number : readonly string[];

/** All settings, as the code uses them: times in milliseconds; an empty text is one that was not given. */
export type Settings = { readonly [Key in keyof typeof table]: ValueOf<(typeof table)[Key]> };

/** A row with what follows from it. */
export interface Setting extends Row {
  readonly key: keyof Settings;
  /** `handshake`: without the unit. */
  readonly flag: string;
  readonly unit: '' | 's';
  /** The value in the code is this many times the value that people write. */
  readonly scale: number;
}

export const settingsTable: readonly Setting[] = Object.entries<Row>(table).map(([name, row]) => {
  const inMs = name.endsWith('Ms');
  // A list is given one value at a time, so its flag is singular: --trusted-proxy.
  const singular = Array.isArray(row.default) ? name.replace(/ies$/, 'y').replace(/s$/, '') : name.replace(/Ms$/, '');
  const flag = singular.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return { ...row, key: name as keyof Settings, flag, unit: inMs ? 's' : '', scale: inMs ? 1000 : 1 };
});

export const defaultSettings = Object.fromEntries(
  settingsTable.map(({ key, default: value, scale }) => [key, typeof value === 'number' ? value * scale : value]),
) as unknown as Settings;

/** Reads the command line; `null` if it asks for help. @throws SettingsError */
export function parseSettings(argv: readonly string[]): Settings | null {
  const flags = settingsTable.filter(({ key }) => key !== 'app');
  const options = Object.fromEntries(flags.map(({ flag, default: value }) => [flag, { type: 'string' as const, multiple: Array.isArray(value) }]));
  let read;
  try {
    read = parseArgs({ args: [...argv], options: { ...options, help: { type: 'boolean', short: 'h' } }, allowPositionals: true });
  } catch (error) {
    // Node goes on to explain what is hardly ever meant.
    const [fault] = (error as Error).message.split('. ');
    throw new SettingsError('flags', argv, '', `${fault}; --help lists the flags that exist`);
  }
  const { values, positionals } = read as { values: Record<string, string | string[] | boolean>; positionals: string[] };
  if (values.help === true) return null;
  if (positionals.length !== 1) throw new SettingsError('app', positionals, 'MODULE:EXPORT, such as ./app.ts:app');
  const given = flags.flatMap((setting) => {
    const value = values[setting.flag] as string | string[] | undefined;
    return value === undefined ? [] : [[setting.key, typeof value === 'string' ? readText(setting, value) : value.map((text) => readText(setting, text))]];
  });
  return checked({ ...defaultSettings, app: positionals[0]!, ...(Object.fromEntries(given) as Partial<Settings>) });
}

function readText({ key, flag, default: value, range, pattern, form = 'a text', unit, scale }: Setting, text: string): string | number {
  if (typeof value !== 'number') {
    if (pattern?.test(text) ?? true) return text;
    throw new SettingsError(`--${flag}`, text, form);
  }
  const number = /^\d+(\.\d+)?$/.test(text) && (unit !== '' || !text.includes('.')) ? Number(text) : NaN;
  const [least, most] = range!;
  const orNone = value === 0 || key.endsWith('PerSecondMin');
  if ((orNone && number === 0) || (number >= least && number <= most)) return Math.round(number * scale);
  throw new SettingsError(`--${flag}`, text, `a ${unit === '' ? 'whole ' : ''}number from ${least} to ${most}${unit && ` ${unit}`}${orNone ? ', or 0 for none' : ''}`);
}

/** Each setting is fine by itself: is it so in the company of the others? @throws SettingsError */
export function checked(settings: Settings): Settings {
  const { bind, redirectBind, statusBind, certificates, workers } = settings;
  for (const text of [bind, redirectBind, statusBind]) if (text !== '') parseBind(text);
  if (redirectBind !== '' && certificates.length === 0) {
    throw new SettingsError('redirectBind', redirectBind, '', `--redirect-bind is ${redirectBind}, but without a certificate there is no HTTPS to redirect to`);
  }
  // Only the socket of --bind is shared.
  for (const [flag, text] of [['--redirect-bind', redirectBind], ['--status-bind', statusBind]] as const) {
    if (workers > 0 && text !== '') throw new SettingsError(flag, text, '', `${flag} is ${text}, but one address cannot be that of ${workers} workers`);
  }
  return settings;
}

export function helpText(): string {
  const rows = settingsTable.filter(({ key }) => key !== 'app').map(({ flag, form = '', unit, default: value, meaning }) => {
    const usage = `--${flag} ${form !== '' ? form.replace(/^an? |,? .*/g, '').toUpperCase() : unit === '' ? 'N' : unit.toUpperCase()}`;
    const isNone = value === 0 || value.toString() === '';
    return `  ${usage.padEnd(36)} ${meaning}; ${isNone ? 'none by default' : `default ${String(value)}`}`;
  });
  return ['usage: main.ts MODULE:EXPORT [flags]', '', ...rows].join('\n');
}
