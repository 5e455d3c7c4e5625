/**
 * `npm run bench websocket [-- --seconds N --rounds N --only ping-pong,memory --servers ws,ten-servers --json FILE]`
 *
 * Chapter 06's WebSockets beside those of ws (with and without bufferutil) and of uvicorn. All are measured in one run
 * and in turns, each on a core of its own that the generator leaves alone. A row counts only if that core was busy: else
 * the generator was measured, the row is marked, and what it is compared by is CPU time instead. Takes three minutes.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import {
  ServerProcess, chooseCores, count, describeMachine, findProgram, formatTable, freePort, median,
} from './support/index.ts';
import type { Cores, ServerCommand } from './support/index.ts';
import { ClientsProcess, runClients } from './support/websocket-load.ts';
import type { WebSocketMeasured } from './support/websocket-load.ts';
import { MEMORY_AT_MOST, idleLoad, webSocketScenarios } from './support/websocket-scenarios.ts';
import type { WebSocketScenario } from './support/websocket-scenarios.ts';

const SATURATED_PERCENT = 90;
const UNSATURATED =
  `below ${SATURATED_PERCENT} % the server was not saturated: messages/s says nothing, and shares are of CPU time. ` +
  'Repeat it when the machine has nothing else to do.';
const WARM_UP_SECONDS = 1;
const OURS = 'ten-servers';
const THEIRS = 'ws';
/** A process has so many files open besides its sockets, at most. */
const OTHER_FILES = 50;

interface Options {
  readonly seconds: number;
  readonly rounds: number;
  readonly scenarios: readonly string[];
  readonly servers: readonly string[] | null;
  readonly json: string | null;
}

interface Row extends WebSocketMeasured {
  readonly scenario: string;
  readonly server: string;
}

interface MemoryRow {
  readonly server: string;
  readonly connections: number;
  /** The growth of the resident set, divided by their number. */
  readonly residentBytes: number;
  /** The same when the server has been told to collect its garbage. */
  readonly collectedBytes: number;
}

function parseOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seconds: { type: 'string', default: '1' },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string' },
      servers: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const names = [...webSocketScenarios.map((scenario) => scenario.name), 'memory'];
  const scenarios = values.only?.split(',') ?? names;
  const unknown = scenarios.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`there is no scenario '${unknown}'; there are ${names.join(', ')}`);
  return {
    seconds: positive('--seconds', values.seconds),
    rounds: positive('--rounds', values.rounds),
    scenarios,
    servers: values.servers?.split(',') ?? null,
    json: values.json ?? null,
  };
}

function positive(name: string, value: string): number {
  if (!/^[1-9]\d{0,3}$/.test(value)) throw new Error(`${name} takes a whole number from 1, not '${value}'`);
  return Number(value);
}

/** The servers that are here; says of those that are not how to get them. */
async function availableServers(wanted: readonly string[] | null): Promise<ServerCommand[]> {
  const folder = join(import.meta.dirname, 'servers');
  const node = (name: string, script: string, ...environment: string[]): ServerCommand => ({
    name, command: 'env', args: [...environment, process.execPath, '--expose-gc', join(folder, script)],
  });
  const servers = [
    node(OURS, 'websocket.ts'),
    node(`${OURS}-app`, 'websocket-app.ts'),
    node(THEIRS, 'ws.ts', 'WS_NO_BUFFER_UTIL=1'),
  ];
  const modules = join(import.meta.dirname, 'node_modules');
  if (existsSync(join(modules, 'bufferutil'))) {
    servers.push(node(`${THEIRS}+bufferutil`, 'ws.ts', `NODE_PATH=${modules}`));
  } else {
    console.log(`Without ${THEIRS} with bufferutil: npm ci --prefix course/bench`);
  }
  const uvicorn = findProgram('uvicorn');
  if (uvicorn === null) console.log('Without uvicorn: pip install uvicorn websockets uvloop httptools');
  else servers.push(uvicornCommand(uvicorn, folder, await freePort()));
  return servers.filter((server) => wanted === null || wanted.includes(server.name));
}

function uvicornCommand(uvicorn: string, folder: string, port: number): ServerCommand {
  const options = ['--port', String(port), '--no-access-log', '--log-level', 'warning'];
  return {
    name: 'uvicorn',
    command: 'env',
    args: ['PYTHONDONTWRITEBYTECODE=1', uvicorn, '--app-dir', folder, ...options, 'websocket_asgi:app'],
    origin: `http://127.0.0.1:${port}`,
  };
}

/** How many files this process and those that it starts may have open: Node raises it as far as it may. */
function openFilesMax(): number {
  const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return limit === undefined ? Infinity : Number(limit);
}

/** What can be measured here. Says of the rest why not. */
function possible(scenarios: readonly string[]): string[] {
  const limit = openFilesMax();
  const connections = (name: string): number =>
    webSocketScenarios.find((scenario) => scenario.name === name)?.load.connections ?? idleLoad.connections;
  return scenarios.filter((name) => {
    const needed = connections(name) + OTHER_FILES;
    if (needed <= limit) return true;
    console.log(
      `Without ${name}: it takes ${count(needed)} open files and ${count(limit)} are allowed. ` +
      `Before it: ulimit -n ${needed}; where that is refused, raise the hard limit in /etc/security/limits.conf`,
    );
    return false;
  });
}

async function measure(
  scenario: WebSocketScenario,
  servers: readonly ServerProcess[],
  options: Options,
  cores: Cores,
): Promise<Row[]> {
  const rounds = new Map<ServerProcess, WebSocketMeasured[]>(servers.map((server) => [server, []]));
  for (let round = 0; round <= options.rounds; round++) {
    for (const server of servers) {
      const seconds = round === 0 ? WARM_UP_SECONDS : options.seconds;
      const measured = await runClients(server, scenario.load, seconds, cores);
      if (round > 0) rounds.get(server)!.push(measured);
    }
  }
  return servers.map((server) => {
    const results = rounds.get(server)!;
    const middle = (key: keyof WebSocketMeasured): number => median(results.map((result) => result[key]));
    return {
      scenario: scenario.name,
      server: server.name,
      messagesPerSecond: middle('messagesPerSecond'),
      cpuPercent: middle('cpuPercent'),
      cpuMicrosecondsPerMessage: middle('cpuMicrosecondsPerMessage'),
      failures: Math.max(...results.map((result) => result.failures)),
    };
  });
}

async function measureMemory(command: ServerCommand, cores: Cores): Promise<MemoryRow> {
  const server = await ServerProcess.start(command, cores.server);
  // Code and buffers that the first connections need once are no part of it.
  await runClients(server, { ...idleLoad, connections: 100, idle: false }, WARM_UP_SECONDS, cores);
  await collectGarbage(server);
  const before = server.residentBytes();
  const clients = new ClientsProcess(idleLoad, server.origin, cores.generator.split(',')[0]!);
  try {
    await clients.ready();
    const perConnection = (): number => (server.residentBytes() - before) / idleLoad.connections;
    const residentBytes = perConnection();
    await collectGarbage(server);
    return { server: command.name, connections: idleLoad.connections, residentBytes, collectedBytes: perConnection() };
  } finally {
    await clients.end();
    await server.stop();
  }
}

async function collectGarbage(server: ServerProcess): Promise<void> {
  await fetch(`${server.origin}/gc`, { headers: { Connection: 'close' } }).then((response) => response.arrayBuffer());
}

/** How many times as fast as another: by messages/s where both were saturated, else by CPU time. */
function speedRatio(rows: readonly Row[], row: Row, against: string): { ratio: number; by: string } {
  const other = rows.find(({ scenario, server }) => scenario === row.scenario && server === against);
  if (other === undefined) return { ratio: NaN, by: '' };
  if (saturated(row) && saturated(other)) {
    return { ratio: row.messagesPerSecond / other.messagesPerSecond, by: 'messages/s' };
  }
  return { ratio: other.cpuMicrosecondsPerMessage / row.cpuMicrosecondsPerMessage, by: 'CPU time*' };
}

function saturated(row: Row): boolean {
  return row.cpuPercent >= SATURATED_PERCENT;
}

function fixed(value: number, digits: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(digits);
}

/** All scenarios in one table. */
function showRows(rows: readonly Row[]): void {
  const line = (row: Row): string[] => [
    `  ${row.server}`,
    count(row.messagesPerSecond),
    fixed(speedRatio(rows, row, THEIRS).ratio, 2),
    row.cpuPercent.toFixed(0) + (saturated(row) ? ' ' : '*'),
    row.cpuMicrosecondsPerMessage.toFixed(1),
    String(row.failures),
  ];
  const table = [['', 'messages/s', `× ${THEIRS}`, 'CPU % ', 'CPU µs/message', 'failures']];
  for (const scenario of webSocketScenarios) {
    const lines = rows.filter((row) => row.scenario === scenario.name).map(line);
    if (lines.length > 0) table.push([scenario.title, '', '', '', '', ''], ...lines);
  }
  console.log(`\n${formatTable(table)}`);
  for (const { name, note } of webSocketScenarios) {
    if (note !== undefined && rows.some((row) => row.scenario === name)) console.log(`${name}: ${note}`);
  }
  if (!rows.every(saturated)) console.log(`* ${UNSATURATED}`);
}

function showMemory(rows: readonly MemoryRow[]): void {
  const table = rows.map((row) => [
    row.server,
    (row.residentBytes / 1024).toFixed(1),
    (row.collectedBytes / 1024).toFixed(1),
    fixed(memoryRatio(rows, row), 2),
  ]);
  console.log(`\nmemory per idle connection, of ${count(idleLoad.connections)}`);
  console.log(formatTable([['server', 'KB', 'KB after GC', `× ${THEIRS}, after GC`], ...table]));
}

function memoryRatio(rows: readonly MemoryRow[], row: MemoryRow | undefined): number {
  const theirs = rows.find(({ server }) => server === THEIRS);
  return (row?.collectedBytes ?? NaN) / (theirs?.collectedBytes ?? NaN);
}

/** A line for each goal whose servers were measured. */
function showGoals(rows: readonly Row[], memory: readonly MemoryRow[]): void {
  const table: string[][] = [];
  for (const { name, title, atLeast } of webSocketScenarios) {
    const ours = rows.find(({ scenario, server }) => scenario === name && server === OURS);
    if (ours === undefined || atLeast === undefined) continue;
    const { ratio, by } = speedRatio(rows, ours, THEIRS);
    table.push([title, fixed(ratio, 2), `≥ ${atLeast.toFixed(2)}`, by, ratio >= atLeast ? 'reached' : 'missed']);
  }
  const ratio = memoryRatio(memory, memory.find(({ server }) => server === OURS));
  const reached = ratio <= MEMORY_AT_MOST ? 'reached' : 'missed';
  table.push(['memory per idle connection', fixed(ratio, 2), `≤ ${MEMORY_AT_MOST.toFixed(2)}`, 'memory', reached]);
  const measured = table.filter(([, value]) => value !== '-');
  if (measured.length === 0) return;
  console.log(`\ngoals of ${OURS}, of ${THEIRS}`);
  console.log(formatTable([['', 'measured', 'goal', 'by', ''], ...measured]));
}

function versions(): string {
  const version = (folder: string): string => {
    const file = createRequire(folder).resolve(`${THEIRS}/package.json`);
    return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  };
  return `${THEIRS} ${version(import.meta.filename)}`;
}

async function bench(options: Options): Promise<number> {
  if (findProgram('taskset') === null) {
    console.error('This benchmark needs taskset (Linux): apt-get install util-linux');
    return 1;
  }
  const cores = chooseCores();
  const machine = `${describeMachine(cores)}; ${versions()}`;
  console.log(`${machine}\nmedians of ${options.rounds} rounds of ${options.seconds} s, in turns`);
  const commands = await availableServers(options.servers);
  const names = possible(options.scenarios);
  const rows: Row[] = [];
  const servers: ServerProcess[] = [];
  try {
    for (const command of commands) servers.push(await ServerProcess.start(command, cores.server));
    for (const scenario of webSocketScenarios.filter(({ name }) => names.includes(name))) {
      console.log(`${scenario.title} …`);
      rows.push(...await measure(scenario, servers, options, cores));
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  const memory: MemoryRow[] = [];
  if (names.includes('memory')) {
    console.log('idle connections …');
    for (const command of commands) memory.push(await measureMemory(command, cores));
  }
  if (rows.length > 0) showRows(rows);
  if (memory.length > 0) showMemory(memory);
  showGoals(rows, memory);
  if (options.json !== null) {
    writeFileSync(options.json, JSON.stringify({ machine, options, rows, memory }, null, 2) + '\n');
  }
  return 0;
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
