/** What the rules of 7.8 and 7.9 share, outside: lines of logs, the control socket from a client's side, Prometheus' text. */
import { existsSync, readFileSync } from 'node:fs';
import { check } from '#support/failure.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address, TcpClient } from '#support/tcp-client.ts';
import { answer, PATIENT_MS, until } from './stage.ts';
import type { Master, Stage, WaitReport } from './stage.ts';

/** A file's lines; none where it is not there. What follows the last newline is one, too. */
export function linesOf(path: string): string[] {
  const lines = existsSync(path) ? readFileSync(path, 'latin1').split('\n') : [];
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

/** Waits until a log has lines like these. */
export async function untilLogged(stage: Stage, path: string, holds: (lines: string[]) => boolean, wait: WaitReport): Promise<string[]> {
  const show = (lines: string[]): string => `${lines.length} lines in ${path}; the last: ${lines.slice(-2).join(' | ') || 'none'}`;
  return await until(stage.world, async () => await Promise.resolve(linesOf(path)), holds, { ...wait, show });
}

/** Text of an access log, as it was before it was escaped. */
export function unescaped(text: string): string {
  const named: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', v: '\v', f: '\f', 0: '\0', e: '\x1b' };
  return text.replace(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|(.))/gis, (_, hex?: string, unicode?: string, other?: string) => {
    const code = hex ?? unicode;
    return code === undefined ? (named[other!] ?? other!) : String.fromCharCode(parseInt(code, 16));
  });
}

/** The values in double quotes; null if the line does not consist of them, with spaces between. */
export function quotedValues(line: string): string[] | null {
  if (!/^"(?:[^"\\]|\\.)*"(?: "(?:[^"\\]|\\.)*")*$/s.test(line)) return null;
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, value]) => unescaped(value!));
}

/** A line as a report shows it. */
export function shown(text: string): string {
  return JSON.stringify(text);
}

export type Reply = { ok: boolean; error?: unknown; [name: string]: unknown };

/** What `show` says. */
export interface Shown extends Reply {
  pid: number;
  address: string;
  generation: number;
  goal: number;
  workers: { pid: number; state: string; generation: number; ageMs: number; requests: number; connections: number; rssBytes: number; loopDelayMs: number }[];
  totals: { requests: number; forks: number; crashes: number; hangs: number; reloads: number };
}

export function socketAt(path: string): Address {
  return { path } as unknown as Address;
}

/** A client of the control socket. */
export class ControlPeer {
  readonly tcp: TcpClient;
  #seen = 0;

  constructor(tcp: TcpClient) {
    this.tcp = tcp;
  }

  static async connect(stage: Stage, path: string): Promise<ControlPeer> {
    return new ControlPeer(await stage.world.connect(socketAt(path), { label: 'control client' }));
  }

  /** The next line that comes, as JSON. */
  async reply(sent: string): Promise<Reply> {
    const rest = (): string => this.tcp.received.toString('utf8').slice(this.#seen);
    await this.tcp.until(() => rest().includes('\n') || this.tcp.closed || this.tcp.ended, { sent, expected: 'a line of JSON', patienceMs: PATIENT_MS });
    const line = rest().split('\n')[0]!;
    check(rest().includes('\n'), { sent, received: `${shown(line)}, and the end of the connection`, expected: 'a line of JSON' });
    this.#seen += line.length + 1;
    try {
      return JSON.parse(line) as Reply;
    } catch {
      check(false, { sent, received: shown(line.slice(0, 200)), expected: 'a line of JSON' });
    }
  }

  async ask(command: string, pid?: number): Promise<Reply> {
    const line = JSON.stringify({ command, ...(pid === undefined ? {} : { pid }) });
    this.tcp.write(`${line}\n`);
    return await this.reply(line);
  }

  /** Asks, and it must be carried out. */
  async order(command: string, pid?: number): Promise<Reply> {
    const reply = await this.ask(command, pid);
    check(reply.ok === true, { sent: `${command}${pid === undefined ? '' : ` ${pid}`}`, received: JSON.stringify(reply).slice(0, 300), expected: '{"ok":true,…}' });
    return reply;
  }

  async show(): Promise<Shown> {
    return (await this.order('show')) as Shown;
  }

  /** Asks for `show` until it is so. */
  async untilShown(stage: Stage, holds: (shown: Shown) => boolean, wait: WaitReport): Promise<Shown> {
    const show = ({ generation, goal, workers }: Shown): string =>
      `generation ${generation}, goal ${goal}, workers ${workers.map(({ pid, state }) => `${pid} ${state}`).join(', ')}`;
    return await until(stage.world, () => this.show(), holds, { ...wait, show });
  }
}

/** Whether all that there are serve, and there are as many as there should be. */
export function isSettled({ workers, goal, generation }: Shown): boolean {
  return workers.length === goal && workers.every((worker) => worker.generation === generation && worker.pid > 0 && worker.state === 'serving');
}

/** A sample of Prometheus' text. */
export interface Sample {
  name: string;
  labels: string;
  value: number;
}

/** Reads the text format of Prometheus, and fails where it is not that. */
export function readMetrics(text: string): { samples: Sample[]; types: Map<string, string> } {
  const types = new Map<string, string>();
  const helped = new Set<string>();
  const samples: Sample[] = [];
  const wrong = (line: string, expected: string): void => check(false, { sent: 'metrics', received: shown(line), expected });
  if (!text.endsWith('\n')) wrong(text.slice(-80), 'a newline at the end of the last line');
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line);
    if (comment !== null) {
      const [, word, name, rest] = comment as unknown as [string, string, string, string];
      if (word === 'HELP') helped.add(name);
      else if (types.has(name) || !/^(counter|gauge|histogram|summary|untyped)$/.test(rest)) wrong(line, 'one TYPE line for each name');
      else types.set(name, rest);
      continue;
    }
    if (line.startsWith('#')) continue;
    const sample = /^([a-zA-Z_:][\w:]*)(\{[^{}]*\})? (\S+)(?: \d+)?$/.exec(line);
    if (sample === null || Number.isNaN(Number(sample[3]))) wrong(line, 'NAME{LABELS} VALUE');
    samples.push({ name: sample![1]!, labels: sample![2] ?? '', value: Number(sample![3]) });
  }
  for (const { name } of samples) if (!types.has(name) || !helped.has(name)) wrong(name, 'a HELP and a TYPE line for each name');
  return { samples, types };
}

/** The sum of all requests: the one counter without a pid whose name ends like this. */
export function requestsTotal(text: string): number {
  const { samples, types } = readMetrics(text);
  const found = samples.filter(({ name, labels }) => name.endsWith('requests_total') && types.get(name) === 'counter' && !labels.includes('pid='));
  check(found.length === 1, { sent: 'GET /metrics', received: `${found.length} counters without a pid whose names end in requests_total`, expected: 'ten_requests_total, once' });
  return found[0]!.value;
}

/** Where the master says that its metrics are. */
export async function metricsAddress(master: Master): Promise<Address> {
  const line = await master.untilLine(/metrics.*http:\/\//, { sent: "metricsBind: '127.0.0.1:0'", expected: 'a line of the error log: `metrics on http://127.0.0.1:PORT/metrics`' });
  const { hostname, port } = new URL(/http:\/\/\S+/.exec(line)![0]);
  return { host: hostname, port: Number(port) };
}

export async function getMetrics(stage: Stage, address: Address): Promise<{ response: HttpTestResponse; text: string }> {
  const http = await stage.world.http(address);
  http.send('GET', '/metrics', { fields: [['Connection', 'close']] });
  const response = await answer(http);
  http.tcp.destroy();
  return { response, text: response.body.toString('utf8') };
}
