/**
 * `npm run bench http [-- --seconds N --rounds N --only hello,headers --servers nginx,node:http --json FILE]`
 *
 * Chapter 02's server, tuned and simple, beside nginx, node:http, Fastify and Express. All are measured in one run and in turns, each on
 * a core of its own that the generator leaves alone. A row counts only if that core was busy: else the generator was
 * measured, the row is marked, and a goal that needs it is judged by CPU time instead. Takes three minutes; longer
 * rounds (`--seconds 3`) vary less.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { nginxCommand } from './servers/nginx.ts';
import { httpGoals, verdict } from './support/http-goals.ts';
import { httpScenarios } from './support/http-scenarios.ts';
import type { Scenario } from './support/http-scenarios.ts';
import {
  ServerProcess, announce, attempt, benchExitCode, benchOptions, chooseCores, count, describeMachine, findProgram, formatTable,
  freePort, inTurns, keepWhatIsMeasured, median, runWrk, startServers, writeResults,
} from './support/index.ts';
import type { BenchOptions, Cores, Measured, ServerCommand } from './support/index.ts';
import { layTuned } from '../tuned.ts';

const IDLE_CONNECTIONS = 10_000;
const SATURATED_PERCENT = 90;
const UNSATURATED =
  `below ${SATURATED_PERCENT} % the server was not saturated: requests/s says nothing, CPU µs/request is a hint. ` +
  'Repeat it when the machine has nothing else to do.';
const WARM_UP_SECONDS = 1;
/** The goals are those of the tuned server. */
const OURS = 'ten-servers, tuned';
const SIMPLE = 'ten-servers';

interface Row extends Measured {
  readonly scenario: string;
  readonly server: string;
}

interface MemoryRow {
  readonly server: string;
  readonly connections: number;
  readonly bytesPerConnection: number;
}

/** The servers that are here; says of those that are not how to get them. */
async function availableServers(wanted: readonly string[] | null): Promise<ServerCommand[]> {
  const file = (name: string, folder = import.meta.dirname): string => join(folder, 'servers', name);
  const node = (name: string, script: string, folder?: string): ServerCommand => ({
    name, command: process.execPath, args: ['--expose-gc', file(script, folder)],
  });
  const tuned = join(layTuned(['course/bench/servers']), 'course', 'bench');
  const servers = [node(OURS, 'ten-servers.ts', tuned), node(SIMPLE, 'ten-servers.ts'), node('node:http', 'node-http.ts')];
  for (const name of ['fastify', 'express']) {
    if (existsSync(join(import.meta.dirname, 'node_modules', name))) servers.push(node(name, `${name}.mjs`));
    else console.log(`Without ${name}: npm ci --prefix course/bench`);
  }
  const nginx = findProgram('nginx');
  if (nginx === null) console.log('Without nginx: apt-get install nginx-light, brew install nginx');
  else servers.push(nginxCommand(nginx, await freePort()));
  return servers.filter((server) => wanted === null || wanted.includes(server.name));
}

async function measure(
  scenario: Scenario,
  servers: readonly ServerProcess[],
  options: BenchOptions,
  cores: Cores,
): Promise<Row[]> {
  const rounds = await inTurns(scenario.name, servers, options.rounds, (server, warmsUp) =>
    runWrk(server, { ...scenario.load, seconds: warmsUp ? WARM_UP_SECONDS : options.seconds }, cores));
  return [...rounds].map(([server, results]) => {
    const middle = (key: keyof Measured): number => median(results.map((result) => result[key]));
    return {
      scenario: scenario.name,
      server: server.name,
      requestsPerSecond: middle('requestsPerSecond'),
      cpuPercent: middle('cpuPercent'),
      cpuMicrosecondsPerRequest: middle('cpuMicrosecondsPerRequest'),
      failures: Math.max(...results.map((result) => result.failures)),
    };
  });
}

/** Memory of idle connections: the growth of the resident set, divided by their number. */
async function measureMemory(command: ServerCommand, cores: Cores): Promise<MemoryRow> {
  const server = await ServerProcess.start(command, cores.server);
  let clients: ChildProcess | null = null;
  try {
    // Not measured: code and buffers that only the first requests need.
    await runWrk(server, { path: '/', connections: 50, seconds: 1 }, cores);
    await collectGarbage(server);
    const before = server.residentBytes();
    const script = join(import.meta.dirname, 'support', 'idle-connections.ts');
    const args = [script, server.origin, String(IDLE_CONNECTIONS)];
    const idle = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    clients = idle;
    await new Promise((resolve, reject) => {
      idle.stdout.once('data', resolve);
      idle.once('exit', () => reject(new Error(`no ${IDLE_CONNECTIONS} connections: is 'ulimit -n' large enough?`)));
    });
    await collectGarbage(server);
    const bytesPerConnection = (server.residentBytes() - before) / IDLE_CONNECTIONS;
    return { server: command.name, connections: IDLE_CONNECTIONS, bytesPerConnection };
  } finally {
    clients?.stdin?.end();
    await server.stop();
  }
}

async function collectGarbage(server: ServerProcess): Promise<void> {
  await fetch(`${server.origin}/gc`, { headers: { Connection: 'close' } }).then((response) => response.arrayBuffer());
}

/** All scenarios in one table. */
function showRows(rows: readonly Row[]): void {
  const ratio = (value: number, digits: number): string => (Number.isNaN(value) ? '-' : value.toFixed(digits));
  const line = (row: Row): string[] => {
    const of = (server: string): number => {
      const other = find(rows, row.scenario, server);
      // Of two generators, a share would say nothing about two servers.
      return other !== undefined && saturated(row) && saturated(other) ? other.requestsPerSecond : NaN;
    };
    return [
      row.server,
      count(row.requestsPerSecond),
      ratio((row.requestsPerSecond / of('nginx')) * 100, 0),
      ratio(row.requestsPerSecond / of('node:http'), 2),
      row.cpuPercent.toFixed(0) + (saturated(row) ? ' ' : '*'),
      row.cpuMicrosecondsPerRequest.toFixed(1),
      String(row.failures),
    ];
  };
  const table = [['', 'requests/s', '% of nginx', '× node:http', 'CPU % ', 'CPU µs/request', 'failures']];
  for (const scenario of httpScenarios) {
    const lines = rows.filter((row) => row.scenario === scenario.name).map(line);
    if (lines.length > 0) table.push([scenario.title, '', '', '', '', '', ''], ...lines.map(indented));
  }
  console.log(`\n${formatTable(table)}`);
  for (const { name, note } of httpScenarios) {
    if (note !== undefined && rows.some((row) => row.scenario === name)) console.log(`${name}: ${note}`);
  }
  if (!rows.every(saturated)) console.log(`* ${UNSATURATED}`);
}

function indented([first = '', ...rest]: readonly string[]): string[] {
  return [`  ${first}`, ...rest];
}

function showMemory(rows: readonly MemoryRow[]): void {
  const node = rows.find((row) => row.server === 'node:http')?.bytesPerConnection ?? NaN;
  const table = rows.map((row) => [
    row.server,
    (row.bytesPerConnection / 1024).toFixed(1),
    Number.isNaN(node) ? '-' : ((row.bytesPerConnection / node) * 100).toFixed(0),
  ]);
  console.log(`\nmemory per idle connection, of ${count(IDLE_CONNECTIONS)}`);
  console.log(formatTable([['server', 'KB', '% of node:http'], ...table]));
}

/** A line for each goal whose servers were measured. */
function showGoals(rows: readonly Row[], memory: readonly MemoryRow[]): void {
  const table = httpGoals.flatMap((goal) => {
    const { ratio, by } = goal.scenario === 'memory' ? memoryRatio(memory, goal.against) : speedRatio(rows, goal);
    if (Number.isNaN(ratio)) return [];
    const figures = [ratio, goal.atLeast, goal.aim].map((figure) => figure.toFixed(2));
    return [[`${goal.title}, of ${goal.against}`, ...figures, by, verdict(goal, ratio)]];
  });
  if (table.length === 0) return;
  console.log(`\ngoals of ${OURS}`);
  console.log(formatTable([['', 'measured', 'at least', 'aim', 'by', ''], ...table]));
}

/** How many times as fast as another server: by requests/s where both were saturated, else by CPU time. */
function speedRatio(rows: readonly Row[], goal: { scenario: string; against: string }): { ratio: number; by: string } {
  const ours = find(rows, goal.scenario, OURS);
  const theirs = find(rows, goal.scenario, goal.against);
  if (ours === undefined || theirs === undefined) return { ratio: NaN, by: '' };
  if (saturated(ours) && saturated(theirs)) {
    return { ratio: ours.requestsPerSecond / theirs.requestsPerSecond, by: 'requests/s' };
  }
  return { ratio: theirs.cpuMicrosecondsPerRequest / ours.cpuMicrosecondsPerRequest, by: 'CPU time*' };
}

function memoryRatio(rows: readonly MemoryRow[], against: string): { ratio: number; by: string } {
  const of = (server: string): number => rows.find((row) => row.server === server)?.bytesPerConnection ?? NaN;
  return { ratio: of(OURS) / of(against), by: 'memory' };
}

function find(rows: readonly Row[], scenario: string, server: string): Row | undefined {
  return rows.find((row) => row.scenario === scenario && row.server === server);
}

function saturated(row: Row): boolean {
  return row.cpuPercent >= SATURATED_PERCENT;
}

async function bench(options: BenchOptions): Promise<number> {
  if (findProgram('wrk') === null || findProgram('taskset') === null) {
    console.error('This benchmark needs wrk and taskset (Linux): apt-get install wrk util-linux');
    return 1;
  }
  const cores = chooseCores();
  const machine = describeMachine(cores);
  console.log(`${machine}\nmedians of ${options.rounds} rounds of ${options.seconds} s, in turns`);
  const commands = await availableServers(options.servers);
  keepWhatIsMeasured();
  const rows: Row[] = [];
  const servers = await startServers(commands, cores.server);
  for (const scenario of httpScenarios.filter(({ name }) => options.scenarios.includes(name))) {
    announce(scenario.title);
    rows.push(...await measure(scenario, servers, options, cores));
  }
  await Promise.all(servers.map((server) => server.stop()));
  const memory: MemoryRow[] = [];
  if (options.scenarios.includes('memory')) {
    announce('idle connections');
    for (const command of commands) {
      const row = await attempt(`${command.name} in memory`, () => measureMemory(command, cores));
      if (row !== null) memory.push(row);
    }
  }
  if (rows.length > 0) showRows(rows);
  if (memory.length > 0) showMemory(memory);
  showGoals(rows, memory);
  writeResults(options.json, { machine, options, rows, memory });
  return benchExitCode();
}

async function main(argv: readonly string[]): Promise<number> {
  let options: BenchOptions;
  try {
    options = benchOptions(argv, [...httpScenarios.map((scenario) => scenario.name), 'memory']);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
  return bench(options);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
