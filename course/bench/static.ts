/**
 * `npm run bench static [-- --seconds N --rounds N --only 1KB,100KB,10MB,memory --servers nginx,sirv --json FILE]`
 *
 * Chapter 03's server beside nginx (with sendfile and copying), sirv, @fastify/static, Express static and Python's http.server: in one run and in
 * turns, each on a core of its own that the generator leaves alone. Then the memory that 200 slow downloads of a large
 * file take. Our server is there three times: with files in its memory; with files kept open, as nginx and its
 * open_file_cache have them; and with nothing kept, so that each request finds, opens, reads and closes.
 */

import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { staticNginxCommand } from './servers/static-nginx.ts';
import {
  ServerProcess, attempt, benchExitCode, benchOptions, chooseCores, count, describeMachine, findProgram, formatTable,
  freePort, inTurns, keepWhatIsMeasured, median, runWrk, startServers, writeResults,
} from './support/index.ts';
import type { BenchOptions, Cores, Measured, ServerCommand } from './support/index.ts';

interface Scenario {
  readonly name: string;
  readonly bytes: number;
  readonly connections: number;
}

const scenarios: readonly Scenario[] = [
  { name: '1KB', bytes: 1024, connections: 50 },
  { name: '100KB', bytes: 100 * 1024, connections: 50 },
  { name: '10MB', bytes: 10 * 2 ** 20, connections: 10 },
];

const SLOW_CLIENTS = 200;
const LARGE = 'large.bin';
const LARGE_BYTES = 2 ** 30;
const WATCHED_MS = 5_000;
const CACHE_BYTES = 64 * 2 ** 20;
const SATURATED_PERCENT = 90;
const WARM_UP_SECONDS = 2;

/** No server: it has no part in the memory that downloads take. */
const FLOOR = 'node:net, no server';

interface Row extends Measured {
  readonly scenario: string;
  readonly server: string;
}

interface MemoryRow {
  readonly server: string;
  readonly idleBytes: number;
  /** The most that was seen; NaN if it did not serve them all. */
  readonly peakBytes: number;
}

/** A folder with a file for each scenario, last modified long ago. */
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bench-static-'));
  for (const { name, bytes } of scenarios) writeFileSync(join(folder, `${name}.bin`), randomBytes(bytes));
  // Sparse: it takes no room on the disk.
  writeFileSync(join(folder, LARGE), '');
  truncateSync(join(folder, LARGE), LARGE_BYTES);
  for (const name of [...scenarios.map((scenario) => `${scenario.name}.bin`), LARGE]) utimesSync(join(folder, name), 1e9, 1e9);
  return folder;
}

/** The servers that are here; says of those that are not how to get them. */
async function availableServers(folder: string, wanted: readonly string[] | null): Promise<ServerCommand[]> {
  const node = (name: string, script: string, ...args: string[]): ServerCommand => ({
    name, command: process.execPath, args: [join(import.meta.dirname, 'servers', script), folder, ...args],
  });
  const servers = [
    node('ten-servers, cached', 'static-ten-servers.ts', String(CACHE_BYTES), String(CACHE_BYTES / 2)),
    node('ten-servers, kept open', 'static-ten-servers.ts', String(CACHE_BYTES), '0'),
    node('ten-servers, nothing kept', 'static-ten-servers.ts', '0'),
    node(FLOOR, 'static-floor.ts'),
  ];
  for (const [name, script, module] of [
    ['sirv', 'static-sirv.mjs', 'sirv'],
    ['@fastify/static', 'static-fastify.mjs', '@fastify/static'],
    ['express static', 'static-express.mjs', 'express'],
  ] as const) {
    if (existsSync(join(import.meta.dirname, 'node_modules', module))) servers.push(node(name, script));
    else console.log(`Without ${name}: npm ci --prefix course/bench`);
  }
  const nginx = findProgram('nginx');
  if (nginx === null) console.log('Without nginx: apt-get install nginx-light, brew install nginx');
  else servers.push(staticNginxCommand(nginx, await freePort(), folder), staticNginxCommand(nginx, await freePort(), folder, 'off'));
  const python = findProgram('python3');
  if (python === null) console.log("Without Python's http.server: apt-get install python3");
  else servers.push(await pythonCommand(python, folder));
  return servers.filter((server) => wanted === null || wanted.some((name) => server.name.startsWith(name)));
}

/** With HTTP/1.1: by default it closes after each response, which would measure connections. */
async function pythonCommand(python: string, folder: string): Promise<ServerCommand> {
  const port = await freePort();
  const args = ['-m', 'http.server', String(port), '--bind', '127.0.0.1', '--directory', folder, '--protocol', 'HTTP/1.1'];
  return { name: 'python http.server', command: python, args, origin: `http://127.0.0.1:${port}` };
}

async function measure(scenario: Scenario, servers: readonly ServerProcess[], options: BenchOptions, cores: Cores): Promise<Row[]> {
  const load = { path: `/${scenario.name}.bin`, connections: scenario.connections };
  const rounds = await inTurns(scenario.name, servers, options.rounds, (server, warmsUp) =>
    runWrk(server, { ...load, seconds: warmsUp ? WARM_UP_SECONDS : options.seconds }, cores));
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

/** Memory while many slow clients take a large file: the most that is seen, beside what the idle server had. */
async function measureMemory(command: ServerCommand, cores: Cores): Promise<MemoryRow> {
  const server = await ServerProcess.start(command, cores.server);
  // Not measured: code that only the first requests need.
  await runWrk(server, { path: '/1KB.bin', connections: 50, seconds: 1 }, cores).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  const idleBytes = server.residentBytes();
  const script = join(import.meta.dirname, 'support', 'slow-clients.ts');
  const clients = spawn(process.execPath, [script, `${server.origin}/${LARGE}`, String(SLOW_CLIENTS)], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const served = await new Promise<boolean>((resolve) => {
      clients.stdout.once('data', () => resolve(true));
      clients.once('exit', () => resolve(false));
    });
    if (!served) return { server: command.name, idleBytes, peakBytes: NaN };
    let peakBytes = 0;
    for (const end = performance.now() + WATCHED_MS; performance.now() < end; ) {
      peakBytes = Math.max(peakBytes, server.residentBytes());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return { server: command.name, idleBytes, peakBytes };
  } finally {
    clients.stdin.end();
    await server.stop();
  }
}

function showRows(scenario: Scenario, rows: readonly Row[]): void {
  const nginx = rows.find((row) => row.server === 'nginx');
  const share = (row: Row): string => (nginx === undefined ? '-' : ((row.requestsPerSecond / nginx.requestsPerSecond) * 100).toFixed(0));
  const cpuShare = (row: Row): string =>
    nginx === undefined ? '-' : ((nginx.cpuMicrosecondsPerRequest / row.cpuMicrosecondsPerRequest) * 100).toFixed(0);
  const table = rows.map((row) => [
    row.server,
    count(row.requestsPerSecond),
    share(row),
    row.cpuPercent.toFixed(0) + (row.cpuPercent < SATURATED_PERCENT ? '*' : ' '),
    row.cpuMicrosecondsPerRequest.toFixed(1),
    cpuShare(row),
    String(row.failures),
  ]);
  console.log(`\n${scenario.name}, ${scenario.connections} connections`);
  console.log(formatTable([['server', 'requests/s', '% of nginx', 'CPU % ', 'CPU µs/request', '% of nginx', 'failures'], ...table]));
}

function showMemory(rows: readonly MemoryRow[]): void {
  const mebibytes = (bytes: number): string => (Number.isNaN(bytes) ? 'failed' : (bytes / 2 ** 20).toFixed(0));
  const table = rows.map((row) => [row.server, mebibytes(row.idleBytes), mebibytes(row.peakBytes), mebibytes(row.peakBytes - row.idleBytes)]);
  console.log(`\nmemory while ${SLOW_CLIENTS} slow clients take ${LARGE_BYTES / 2 ** 30} GiB each`);
  console.log(formatTable([['server', 'idle MiB', 'peak MiB', 'above idle'], ...table]));
}

async function bench(options: BenchOptions): Promise<number> {
  if (findProgram('wrk') === null || findProgram('taskset') === null) {
    console.error('This benchmark needs wrk and taskset (Linux): apt-get install wrk util-linux');
    return 1;
  }
  const cores = chooseCores();
  const machine = describeMachine(cores);
  console.log(`${machine}\nmedians of ${options.rounds} rounds of ${options.seconds} s, in turns`);
  keepWhatIsMeasured();
  const folder = makeFolder();
  const rows: Row[] = [];
  const memory: MemoryRow[] = [];
  let servers: readonly ServerProcess[] = [];
  try {
    const commands = await availableServers(folder, options.servers);
    servers = await startServers(commands, cores.server);
    for (const scenario of scenarios.filter(({ name }) => options.scenarios.includes(name))) {
      const measured = await measure(scenario, servers, options, cores);
      if (measured.length > 0) showRows(scenario, measured);
      rows.push(...measured);
    }
    await Promise.all(servers.map((server) => server.stop()));
    if (options.scenarios.includes('memory')) {
      for (const command of commands.filter(({ name }) => name !== FLOOR)) {
        const row = await attempt(`${command.name} in memory`, () => measureMemory(command, cores));
        if (row !== null) memory.push(row);
      }
      if (memory.length > 0) showMemory(memory);
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(folder, { recursive: true });
  }
  if (rows.some((row) => row.cpuPercent < SATURATED_PERCENT)) {
    console.log(`\n* below ${SATURATED_PERCENT} %: the server was not saturated, so requests/s says nothing; CPU µs/request does.`);
  }
  writeResults(options.json, { machine, options, rows, memory });
  return benchExitCode();
}

async function main(argv: readonly string[]): Promise<number> {
  let options: BenchOptions;
  try {
    options = benchOptions(argv, [...scenarios.map(({ name }) => name), 'memory'], { seconds: 3 });
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
  return bench(options);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
