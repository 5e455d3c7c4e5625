/**
 * `npm run bench prefork [-- --seconds N --rounds N --workers N --only hello,connect --servers nginx,ten-servers --json FILE]`
 *
 * Chapter 07's supervisor beside node:cluster and nginx, each with as many workers as the server has cores: all but one,
 * which is the generator's. All are measured in one run and in turns. A row counts only if the server's cores were busy.
 */

import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { manyNginxCommand } from './servers/nginx.ts';
import {
  announce, benchExitCode, count, describeMachine, findProgram, formatTable, freePort, inTurns, keepWhatIsMeasured, median, positive,
  shareCores, startServers, writeResults,
} from './support/index.ts';
import type { ManyCores, ServerCommand, ServerProcess } from './support/index.ts';
import { treeBytes, treeCpuSeconds } from './support/process-tree.ts';
import { runLatencyWrk } from './support/wrk-latency.ts';

const CONNECTIONS = 50;
const SATURATED = 0.9;
const WARM_UP_SECONDS = 1;
const SUPERVISOR = join(import.meta.dirname, '..', '..', 'solutions', '07-prefork', 'main.ts');

const loads = [
  { name: 'hello', title: 'hello, 13 bytes, keep-alive', close: false, goal: { atLeast: 0.65, aim: 0.85 } },
  { name: 'connect', title: 'a new connection each time', close: true, goal: { atLeast: 0.55, aim: 0.8 } },
] as const;
type Load = (typeof loads)[number];

interface Options {
  readonly seconds: number;
  readonly rounds: number;
  readonly workers: number;
  readonly loads: readonly Load[];
  readonly servers: readonly string[] | null;
  readonly json: string | null;
}

interface Measured {
  readonly requestsPerSecond: number;
  /** Of all the server's processes; 100 is one whole core. */
  readonly cpuPercent: number;
  readonly cpuMicrosecondsPerRequest: number;
  readonly memoryBytes: number;
  readonly failures: number;
}

interface Row extends Measured {
  readonly load: Load['name'];
  readonly server: string;
}

function parseOptions(argv: readonly string[], cores: ManyCores): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seconds: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '3' },
      workers: { type: 'string', default: String(cores.count) },
      only: { type: 'string' },
      servers: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const names = values.only?.split(',') ?? loads.map(({ name }) => name);
  const unknown = names.find((name) => !loads.some((load) => load.name === name));
  if (unknown !== undefined) throw new Error(`there is no scenario '${unknown}'; there are ${loads.map(({ name }) => name).join(', ')}`);
  return {
    seconds: positive('--seconds', values.seconds),
    rounds: positive('--rounds', values.rounds),
    workers: positive('--workers', values.workers),
    loads: loads.filter(({ name }) => names.includes(name)),
    servers: values.servers?.split(',') ?? null,
    json: values.json ?? null,
  };
}

async function availableServers({ workers, servers: wanted }: Options): Promise<ServerCommand[]> {
  const file = (name: string): string => join(import.meta.dirname, 'servers', name);
  const ours = (name: string, app: string): ServerCommand => ({
    name, command: process.execPath,
    args: ['--disable-sigusr1', SUPERVISOR, `${file('prefork-app.ts')}:${app}`, '--bind', '127.0.0.1:0', '--workers', String(workers), '--keep-alive', '600'],
  });
  const servers = [
    ours('ten-servers', 'asyncApp'),
    ours('ten-servers, gateway', 'gateway'),
    { name: 'node:cluster', command: process.execPath, args: [file('prefork-cluster.ts'), String(workers)] },
  ];
  const nginx = findProgram('nginx');
  if (nginx === null) console.log('Without nginx: apt-get install nginx-light, brew install nginx');
  else servers.push(manyNginxCommand(nginx, await freePort(), workers));
  return servers.filter(({ name }) => wanted === null || wanted.includes(name));
}

async function measureOnce(server: ServerProcess, { close }: Load, seconds: number, cores: ManyCores): Promise<Measured> {
  const cpuBefore = treeCpuSeconds(server.pid);
  const seen = await runLatencyWrk({ url: `${server.origin}/`, connections: CONNECTIONS, seconds, close, core: cores.generator });
  const cpuSeconds = treeCpuSeconds(server.pid) - cpuBefore;
  return {
    requestsPerSecond: seen.requests / seen.seconds,
    cpuPercent: (cpuSeconds / seen.seconds) * 100,
    cpuMicrosecondsPerRequest: (cpuSeconds / seen.requests) * 1e6,
    memoryBytes: treeBytes(server.pid),
    failures: seen.failures,
  };
}

async function measure(load: Load, servers: readonly ServerProcess[], options: Options, cores: ManyCores): Promise<Row[]> {
  const rounds = await inTurns(load.name, servers, options.rounds, (server, warmsUp) =>
    measureOnce(server, load, warmsUp ? WARM_UP_SECONDS : options.seconds, cores));
  return [...rounds].map(([server, results]) => {
    const middle = (key: keyof Measured): number => median(results.map((result) => result[key]));
    return {
      load: load.name, server: server.name,
      requestsPerSecond: middle('requestsPerSecond'), cpuPercent: middle('cpuPercent'),
      cpuMicrosecondsPerRequest: middle('cpuMicrosecondsPerRequest'), memoryBytes: middle('memoryBytes'),
      failures: Math.max(...results.map(({ failures }) => failures)),
    };
  });
}

/** Of nginx: by requests/s where both had all the CPU that they could use, else by CPU time. */
function shareOfNginx(row: Row, rows: readonly Row[], saturated: (row: Row) => boolean): { share: number; by: string } {
  const nginx = rows.find(({ load, server }) => load === row.load && server === 'nginx');
  if (nginx === undefined) return { share: NaN, by: '' };
  if (saturated(row) && saturated(nginx)) return { share: row.requestsPerSecond / nginx.requestsPerSecond, by: 'requests/s' };
  return { share: nginx.cpuMicrosecondsPerRequest / row.cpuMicrosecondsPerRequest, by: 'CPU time*' };
}

function show(rows: readonly Row[], options: Options, cores: ManyCores): void {
  const usable = Math.min(cores.count, options.workers) * 100;
  const saturated = ({ cpuPercent }: Row): boolean => cpuPercent >= SATURATED * usable;
  const table = [['', 'requests/s', '% of nginx', 'by', 'CPU % ', 'CPU µs/request', 'MiB', 'failures', 'goal']];
  for (const load of options.loads) {
    table.push([load.title, '', '', '', '', '', '', '', '']);
    for (const row of rows.filter((one) => one.load === load.name)) {
      const { share, by } = shareOfNginx(row, rows, saturated);
      const { atLeast, aim } = load.goal;
      const verdict = share >= aim ? 'aim reached' : share >= atLeast ? 'reached' : `missed: ${(atLeast * 100).toFixed(0)} %`;
      table.push([
        `  ${row.server}`, count(row.requestsPerSecond), Number.isNaN(share) ? '-' : (share * 100).toFixed(0), by,
        row.cpuPercent.toFixed(0) + (saturated(row) ? ' ' : '*'), row.cpuMicrosecondsPerRequest.toFixed(1),
        (row.memoryBytes / 2 ** 20).toFixed(0), String(row.failures), row.server === 'ten-servers' && !Number.isNaN(share) ? verdict : '',
      ]);
    }
  }
  console.log(`\n${formatTable(table)}`);
  if (!rows.every(saturated)) console.log('* the server could have used more CPU: requests/s says nothing, CPU µs/request is a hint. Repeat it when the machine has nothing else to do.');
}

async function bench(options: Options, cores: ManyCores): Promise<number> {
  if (findProgram('wrk') === null || findProgram('taskset') === null) {
    console.error('This benchmark needs wrk and taskset (Linux): apt-get install wrk util-linux');
    return 1;
  }
  const machine = `${describeMachine(cores)}; ${options.workers} workers`;
  console.log(`${machine}\nmedians of ${options.rounds} rounds of ${options.seconds} s, in turns`);
  const commands = await availableServers(options);
  keepWhatIsMeasured();
  const servers = await startServers(commands, cores.server);
  const rows: Row[] = [];
  for (const load of options.loads) {
    announce(load.title);
    rows.push(...await measure(load, servers, options, cores));
  }
  await Promise.all(servers.map((server) => server.stop()));
  if (rows.length > 0) show(rows, options, cores);
  writeResults(options.json, { machine, options: { ...options, loads: options.loads.map(({ name }) => name) }, rows });
  return benchExitCode();
}

async function main(argv: readonly string[]): Promise<number> {
  const cores = shareCores();
  let options: Options;
  try {
    options = parseOptions(argv, cores);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
  return bench(options, cores);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
