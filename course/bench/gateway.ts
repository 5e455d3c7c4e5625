/**
 * `npm run bench gateway [-- --seconds N --rounds N --only hello,router --json FILE]`
 *
 * What the gateway of chapter 05 costs: a hello through it beside chapter 02's own hello, with five middleware, and
 * beside Fastify, Hono, Koa and Express on node:http; and its router beside find-my-way and Hono's, with 10, 1,000 and
 * 10,000 routes. All in turns; medians. Prints Markdown. Takes two minutes.
 */

import { join } from 'node:path';
import { parseArgs } from 'node:util';

import {
  attempt, benchExitCode, chooseCores, count, describeMachine, findProgram, inTurns, keepWhatIsMeasured, median, positive, runWrk,
  startServers, writeResults,
} from './support/index.ts';
import type { Cores, Measured, ServerCommand } from './support/index.ts';
import { measureRouters } from './support/routers.ts';
import type { RouterRow } from './support/routers.ts';

const ROUTES = [10, 1_000, 10_000];
const ROUTER_ROUNDS = 21;
const CONNECTIONS = 50;
const WARM_UP_SECONDS = 1;
const SATURATED_PERCENT = 90;
const CHAPTER_02 = 'chapter 02';
const GATEWAY = 'gateway';
const PARTS = ['hello', 'router'];

interface Options {
  readonly seconds: number;
  readonly rounds: number;
  readonly only: readonly string[];
  readonly json: string | null;
}

interface HelloRow extends Measured {
  readonly server: string;
}

function parseOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seconds: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '5' },
      only: { type: 'string', default: PARTS.join(',') },
      json: { type: 'string' },
    },
  });
  const only = values.only.split(',');
  const unknown = only.find((name) => !PARTS.includes(name));
  if (unknown !== undefined) throw new Error(`there is no part '${unknown}'; there are ${PARTS.join(', ')}`);
  const [seconds, rounds] = [positive('--seconds', values.seconds), positive('--rounds', values.rounds)];
  return { seconds, rounds, only, json: values.json ?? null };
}

function serverCommands(): ServerCommand[] {
  const node = (name: string, script: string, ...args: string[]): ServerCommand => ({
    name, command: process.execPath, args: [join(import.meta.dirname, 'servers', script), ...args],
  });
  return [
    node(CHAPTER_02, 'ten-servers.ts'),
    node(GATEWAY, 'gateway.ts'),
    node('gateway, five middleware', 'gateway.ts', 'middleware'),
    node('node:http', 'node-http.ts'),
    node('Fastify', 'fastify.mjs'),
    node('Hono', 'hono.mjs'),
    node('Koa', 'koa.mjs'),
    node('Express', 'express.mjs'),
  ];
}

async function measureHello(options: Options, cores: Cores): Promise<HelloRow[]> {
  const servers = await startServers(serverCommands(), cores.server);
  try {
    const load = { path: '/', connections: CONNECTIONS, headers: ['Authorization: Bearer bench'] };
    const rounds = await inTurns('hello', servers, options.rounds, (server, warmsUp) =>
      runWrk(server, { ...load, seconds: warmsUp ? WARM_UP_SECONDS : options.seconds }, cores));
    return [...rounds].map(([server, results]) => middleOf(server.name, results));
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

function middleOf(server: string, results: readonly Measured[]): HelloRow {
  const middle = (key: keyof Measured): number => median(results.map((result) => result[key]));
  return {
    server,
    requestsPerSecond: middle('requestsPerSecond'),
    cpuPercent: middle('cpuPercent'),
    cpuMicrosecondsPerRequest: middle('cpuMicrosecondsPerRequest'),
    failures: Math.max(...results.map((result) => result.failures)),
  };
}

function markdown(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows;
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head!), line(head!.map((_, i) => (i === 0 ? '---' : '---:'))), ...body.map(line)].join('\n');
}

function showHello(rows: readonly HelloRow[]): void {
  const cost = (name: string): number => rows.find(({ server }) => server === name)?.cpuMicrosecondsPerRequest ?? NaN;
  const isBusy = (row: HelloRow): boolean => row.cpuPercent >= SATURATED_PERCENT;
  const table = rows.map((row) => [
    row.server,
    count(row.requestsPerSecond),
    row.cpuPercent.toFixed(0) + (isBusy(row) ? '' : ' *'),
    row.cpuMicrosecondsPerRequest.toFixed(1),
    Number.isNaN(cost(CHAPTER_02)) ? '-' : ((cost(CHAPTER_02) / row.cpuMicrosecondsPerRequest) * 100).toFixed(0),
    String(row.failures),
  ]);
  const head = ['server', 'requests/s', 'CPU %', 'CPU µs/request', `% of ${CHAPTER_02}`, 'failures'];
  console.log(`\nHello, ${CONNECTIONS} connections\n\n${markdown([head, ...table])}`);
  if (!rows.every(isBusy)) {
    console.log(`\n\\* below ${SATURATED_PERCENT} %: not saturated, so requests/s says nothing.`);
  }
  console.log('\nShares are of CPU time per request.');
  console.log(verdict(`the gateway has at least 85 % of ${CHAPTER_02}`, cost(CHAPTER_02) / cost(GATEWAY), 0.85, 'least'));
  for (const name of ['Fastify', 'Hono']) {
    console.log(verdict(`the gateway is ahead of ${name} by at least 1.3`, cost(name) / cost(GATEWAY), 1.3, 'least'));
  }
}

function showRouters(rows: readonly RouterRow[]): void {
  const names = [...new Set(rows.map(({ router }) => router))];
  const titles = { fewNs: 'the same ten routes are asked for', allNs: 'every route is asked for as often' } as const;
  for (const key of ['fewNs', 'allNs'] as const) {
    const time = (name: string, routes: number): number =>
      rows.find((row) => row.router === name && row.routes === routes)![key];
    const growth = (name: string): number => time(name, ROUTES.at(-1)!) / time(name, ROUTES[0]!);
    const head = ['router', ...ROUTES.map((routes) => `${count(routes)} routes`), 'growth'];
    const table = names.map((name) => {
      return [name, ...ROUTES.map((routes) => time(name, routes).toFixed(0)), growth(name).toFixed(2)];
    });
    console.log(`\nRouters, ns for a search; ${titles[key]}\n\n${markdown([head, ...table])}\n`);
    console.log(verdict('10,000 routes take at most 1.5 times what 10 take', growth('ten-servers'), 1.5, 'most'));
  }
}

function verdict(goal: string, value: number, limit: number, bound: 'least' | 'most'): string {
  if (Number.isNaN(value)) return `- not measured: ${goal}`;
  const reached = bound === 'least' ? value >= limit : value <= limit;
  return `- ${reached ? 'reached' : 'MISSED'}: ${goal} (${value.toFixed(2)})`;
}

async function bench(options: Options): Promise<number> {
  const isMissing = (program: string): boolean => findProgram(program) === null;
  if (options.only.includes('hello') && ['wrk', 'taskset'].some(isMissing)) {
    console.error('This benchmark needs wrk and taskset (Linux): apt-get install wrk util-linux. Or: --only router');
    return 1;
  }
  const cores = chooseCores();
  const machine = describeMachine(cores);
  const rounds = `${options.rounds} of ${options.seconds} s for servers, ${ROUTER_ROUNDS} for routers`;
  console.log(`${machine}\nMedians of rounds in turns: ${rounds}.`);
  keepWhatIsMeasured();
  const hello = options.only.includes('hello') ? await measureHello(options, cores) : [];
  if (hello.length > 0) showHello(hello);
  const measuresRouters = options.only.includes('router');
  const routers = measuresRouters ? await attempt('routers', () => measureRouters(ROUTES, ROUTER_ROUNDS)) ?? [] : [];
  if (routers.length > 0) showRouters(routers);
  writeResults(options.json, { machine, options, hello, routers });
  return benchExitCode();
}

async function main(argv: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(argv);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
  return bench(options);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
