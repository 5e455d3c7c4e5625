/** Settings for the tests of 7.7: by which names each is known, and values for it. It asks nothing of the code under test. */
import type { Random } from '#support/random.ts';
import type { Settings } from './door.ts';

export type Value = string | number | boolean;

export interface Known {
  key: keyof Settings;
  flag: string;
  fileKey: string;
  env: string;
  /** The value in the code is this many times the value that people write. */
  scale: number;
  draw: (random: Random) => Value;
}

export const LAYERS = ['file', 'environment', 'flags'] as const;
export type Layer = (typeof LAYERS)[number];

function known(key: keyof Settings, flag: string, scale: number, draw: Known['draw']): Known {
  const fileKey = flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return { key, flag, fileKey, env: `TEN_SERVER_${flag.toUpperCase().replaceAll('-', '_')}`, scale, draw };
}

const count = (least: number, most: number) => (random: Random) => random.integer(least, most);
const seconds = (least: number, most: number) => (random: Random) => random.integer(least * 10, most * 10) / 10;
const path = (random: Random): string => `/${random.word()}/${random.word()}`;

/** None of them contradicts another. */
export const KNOWN: readonly Known[] = [
  known('bind', 'bind', 1, (random) => `127.0.0.1:${random.integer(1, 65_535)}`),
  known('workers', 'workers', 1, count(1, 1024)),
  known('workerClass', 'worker-class', 1, (random) => random.pick(['async', 'sync'])),
  known('interface', 'interface', 1, (random) => random.pick(['auto', 'gateway', 'async', 'node', 'fetch'])),
  known('backlog', 'backlog', 1, count(1, 65_535)),
  known('timeoutMs', 'timeout', 1000, seconds(1, 600)),
  known('requestTimeoutMs', 'request-timeout', 1000, seconds(1, 600)),
  known('bootTries', 'boot-tries', 1, count(1, 100)),
  known('gracefulTimeoutMs', 'graceful-timeout', 1000, seconds(0, 600)),
  known('keepAliveMs', 'keep-alive', 1000, seconds(1, 3600)),
  known('maxRequests', 'max-requests', 1, count(0, 100_000)),
  known('rssMaxBytes', 'max-rss', 2 ** 20, count(1, 4096)),
  known('lifetimeMs', 'lifetime', 1000, seconds(1, 86_400)),
  known('unfitSamples', 'unfit-samples', 1, count(1, 100)),
  known('pidfile', 'pid', 1, path),
  known('procName', 'name', 1, (random) => random.word()),
  known('accessLog', 'access-log', 1, path),
  known('accessLogFormat', 'access-log-format', 1, (random) => `%(h)s "%(r)s" ${random.word()}`),
  known('errorLog', 'error-log', 1, path),
  known('captureOutput', 'capture-output', 1, (random) => random.boolean()),
  known('controlSocket', 'control-socket', 1, path),
  known('metricsBind', 'metrics-bind', 1, (random) => `127.0.0.2:${random.integer(1, 65_535)}`),
];

export function named(key: keyof Settings): Known {
  return KNOWN.find((one) => one.key === key)!;
}

/** The value that people write, as the code has it. */
export function inCode({ scale }: Known, value: Value): Value {
  return typeof value === 'number' ? Math.round(value * scale) : value;
}

/** What is written in each layer, in the order of {@link LAYERS}. */
export interface Written {
  file: Record<string, unknown>;
  environment: Record<string, string>;
  flags: string[];
}

export function nothing(): Written {
  return { file: {}, environment: {}, flags: [] };
}

export function write(written: Written, layer: Layer, { flag, fileKey, env }: Known, value: Value): void {
  if (layer === 'file') written.file[fileKey] = value;
  else if (layer === 'environment') written.environment[env] = String(value);
  else if (typeof value === 'boolean') written.flags.push(value ? `--${flag}` : `--no-${flag}`);
  else written.flags.push(`--${flag}`, String(value));
}

/** By which name the author of a layer knows a setting. */
export function nameIn(layer: Layer, { flag, fileKey, env }: Known): string {
  return { file: fileKey, environment: env, flags: `--${flag}` }[layer];
}

/** Another value than this one: each setting has two at least. */
export function drawOther(one: Known, random: Random, than: Value): Value {
  for (;;) {
    const value = one.draw(random);
    if (value !== than) return value;
  }
}

/** A name with one of its letters left out. */
export function misspelt(name: string, random: Random, from = 1): string {
  for (;;) {
    const at = random.integer(from, name.length - 1);
    const letters = name.slice(0, at) + name.slice(at + 1);
    if (/\w/.test(name[at]!) && name[at] !== '_' && letters !== name) return letters;
  }
}
