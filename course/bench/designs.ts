/**
 * `npm run bench designs [-- --mine --seconds N --rounds N --clients N --workers N --only sequential,async --json FILE --markdown FILE]`
 *
 * Chapter 04's designs beside each other and nginx: hello, half a second of waiting, five milliseconds of computing;
 * on connections that are kept, and on a new one for each request. In turns in one run; the generator has a core of
 * its own, the servers have the others. Takes about ten minutes. With `--mine` it is the code in chapters/ that is
 * measured, else the reference.
 */

import { existsSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { manyNginxCommand } from './servers/nginx.ts';
import {
  ServerProcess, announce, attempt, benchExitCode, count, describeMachine, findProgram, formatTable, freePort, keepWhatIsMeasured, median,
  positive, shareCores, writeResults,
} from './support/index.ts';
import type { ManyCores, ServerCommand } from './support/index.ts';
import { treeBytes, treeCpuSeconds } from './support/process-tree.ts';
import { runLatencyWrk } from './support/wrk-latency.ts';

const WAIT_SECONDS = 0.5;
/** Answers that are on their way at the end do not count: of a rate of two a second, this takes at most a twentieth. */
const WAIT_ROUND_SECONDS = 10;
const CPU_MS = 5;
const SATURATED = 0.9;
const NGINX = 'nginx';
/** The designs. How many of a design's workers answer at a time: none on one loop, all, or as many as there are clients. */
const AT_A_TIME: Readonly<Record<string, 'one' | 'workers' | 'clients'>> = {
  sequential: 'one',
  callbacks: 'clients',
  async: 'clients',
  'process-per-connection': 'workers',
  'process-pool': 'workers',
  'thread-per-connection': 'workers',
  'thread-pool': 'workers',
  'thread-listeners': 'workers',
  routed: 'clients',
};
/** Designs whose code all runs on one loop, so that one core is all that they can use. */
const ON_ONE_LOOP: ReadonlySet<string> = new Set(['sequential', 'callbacks', 'async']);

interface Load {
  readonly name: 'hello' | 'wait' | 'cpu';
  readonly title: string;
  readonly path: string;
}

const loads: readonly Load[] = [
  { name: 'hello', title: 'hello', path: '/' },
  { name: 'wait', title: `${WAIT_SECONDS} s of waiting`, path: '/slow' },
  { name: 'cpu', title: `${CPU_MS} ms of computing`, path: `/cpu?ms=${CPU_MS}` },
];
const connections = [{ close: false, title: 'kept connections' }, { close: true, title: 'a new connection each time' }] as const;

interface Options {
  /** What is measured is in chapters/. */
  readonly mine: boolean;
  readonly seconds: number;
  readonly rounds: number;
  readonly clients: number;
  readonly workers: number;
  readonly designs: readonly string[];
  readonly json: string | null;
  readonly markdown: string | null;
}

interface Row {
  readonly design: string;
  readonly load: Load['name'];
  readonly close: boolean;
  readonly requestsPerSecond: number;
  readonly meanMs: number;
  readonly modeMs: number;
  readonly worstMs: number;
  /** 100 is one whole core. */
  readonly cpuPercent: number;
  readonly cpuMicrosecondsPerRequest: number;
  /** After this load, of the server with all its workers. */
  readonly memoryBytes: number;
  readonly failures: number;
}

function parseOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      mine: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '2' },
      clients: { type: 'string', default: '50' },
      workers: { type: 'string', default: String(Math.max(1, availableParallelism())) },
      only: { type: 'string' },
      json: { type: 'string' },
      markdown: { type: 'string' },
    },
  });
  const names = values.only?.split(',') ?? Object.keys(AT_A_TIME);
  const unknown = names.find((name) => !Object.hasOwn(AT_A_TIME, name));
  if (unknown !== undefined) throw new Error(`there is no design '${unknown}'; there are ${Object.keys(AT_A_TIME).join(', ')}`);
  return {
    mine: values.mine,
    seconds: positive('--seconds', values.seconds),
    rounds: positive('--rounds', values.rounds),
    clients: positive('--clients', values.clients),
    workers: positive('--workers', values.workers),
    designs: names,
    json: values.json ?? null,
    markdown: values.markdown ?? null,
  };
}

/** Where the designs are that are measured, and how to start one. */
function subjectOf(options: Options): { folder: string; note: string | null; command: (name: string) => ServerCommand } {
  const script = join(import.meta.dirname, 'servers', 'design.ts');
  const missing = !existsSync(join(import.meta.dirname, '..', '..', 'solutions', '04-workers'));
  const mine = options.mine || missing;
  const tree = mine ? 'chapters' : 'solutions';
  return {
    folder: `${tree}/04-workers`,
    note: missing && !options.mine ? 'There is no solutions/04-workers here: what is measured is yours.' : null,
    command: (name) => ({ name, command: process.execPath, args: [script, tree, name, String(options.workers)] }),
  };
}

/** How long a design may take for a first answer, in milliseconds. */
const FIRST_ANSWER_MS = 10_000;

/** Why a design cannot be measured: it does not start, or says nothing. `null` if it can. */
async function whyNot(command: ServerCommand, cores: ManyCores): Promise<string | null> {
  let server: ServerProcess | undefined;
  try {
    server = await ServerProcess.start(command, cores.server);
    const { status } = await fetch(server.origin, { signal: AbortSignal.timeout(FIRST_ANSWER_MS) });
    return status === 200 ? null : `answers ${status}`;
  } catch (error) {
    const output = error instanceof Error ? error.message : String(error);
    return /exercise \d+\.\d+ is not written yet/.exec(output)?.[0] ?? (server === undefined ? (/^\w*Error\b.*$/m.exec(output)?.[0] ?? output) : 'does not answer');
  } finally {
    await server?.stop();
  }
}

/** One server under one load, once. Started for it alone: what others left behind is not measured. */
async function measure(command: ServerCommand, load: Load, close: boolean, options: Options, cores: ManyCores): Promise<Row> {
  const server = await ServerProcess.start(command, cores.server);
  try {
    const url = server.origin + load.path;
    const wrk = { url, connections: options.clients, close, core: cores.generator };
    // Code that has been run is fast code; waiting does not become faster.
    if (load.name !== 'wait') await runLatencyWrk({ ...wrk, seconds: 1 });
    const cpuBefore = treeCpuSeconds(server.pid);
    const seconds = load.name === 'wait' ? Math.max(options.seconds, WAIT_ROUND_SECONDS) : options.seconds;
    const seen = await runLatencyWrk({ ...wrk, seconds });
    const cpuSeconds = treeCpuSeconds(server.pid) - cpuBefore;
    return {
      design: command.name,
      load: load.name,
      close,
      requestsPerSecond: seen.requests / seen.seconds,
      meanMs: seen.meanMs,
      modeMs: seen.modeMs,
      worstMs: seen.worstMs,
      cpuPercent: (cpuSeconds / seen.seconds) * 100,
      cpuMicrosecondsPerRequest: seen.requests === 0 ? NaN : (cpuSeconds / seen.requests) * 1e6,
      memoryBytes: treeBytes(server.pid),
      failures: seen.failures,
    };
  } finally {
    await server.stop();
  }
}

/** The middle of several rounds; of the failures the worst. */
function middle(rounds: readonly Row[]): Row {
  const of = (key: 'requestsPerSecond' | 'meanMs' | 'modeMs' | 'worstMs' | 'cpuPercent' | 'cpuMicrosecondsPerRequest' | 'memoryBytes'): number =>
    median(rounds.map((row) => row[key]));
  return {
    ...rounds[0]!,
    requestsPerSecond: of('requestsPerSecond'), meanMs: of('meanMs'), modeMs: of('modeMs'), worstMs: of('worstMs'),
    cpuPercent: of('cpuPercent'), cpuMicrosecondsPerRequest: of('cpuMicrosecondsPerRequest'), memoryBytes: of('memoryBytes'),
    failures: Math.max(...rounds.map(({ failures }) => failures)),
  };
}

/** Whether the server's cores were what held it back: else the generator, or the waiting, was measured. */
function saturated(row: Row, options: Options, cores: ManyCores): boolean {
  const usable = ON_ONE_LOOP.has(row.design) ? 1 : Math.min(cores.count, options.workers);
  return row.cpuPercent >= SATURATED * usable * 100;
}

/** What half a second of waiting allows. */
function expectedOnWait(design: string, { clients, workers }: Options): number | undefined {
  const atATime = AT_A_TIME[design];
  if (atATime === undefined) return undefined;
  return { one: 1, workers: Math.min(workers, clients), clients }[atATime] / WAIT_SECONDS;
}

function tableOf(rows: readonly Row[], options: Options, cores: ManyCores): string[][] {
  const table = [['', 'requests/s', '% of nginx', 'mean ms', 'mode ms', 'worst ms', 'CPU % ', 'CPU µs/request', 'MB', 'failures']];
  for (const load of loads) {
    for (const { close, title } of connections) {
      const these = rows.filter((row) => row.load === load.name && row.close === close);
      if (these.length === 0) continue;
      table.push([`${load.title}, ${title}`, ...Array.from({ length: 9 }, () => '')]);
      const nginx = these.find(({ design }) => design === NGINX)?.requestsPerSecond;
      for (const row of these) {
        const share = nginx === undefined ? '-' : ((row.requestsPerSecond / nginx) * 100).toFixed(row.requestsPerSecond < nginx / 10 ? 2 : 0);
        const busy = load.name === 'wait' || saturated(row, options, cores) ? ' ' : '*';
        table.push([
          `  ${row.design}`, row.requestsPerSecond < 100 ? row.requestsPerSecond.toFixed(1) : count(row.requestsPerSecond), share,
          row.meanMs.toFixed(1), row.modeMs.toFixed(1), row.worstMs.toFixed(0), row.cpuPercent.toFixed(0) + busy,
          row.cpuMicrosecondsPerRequest.toFixed(0), (row.memoryBytes / 2 ** 20).toFixed(0), String(row.failures),
        ]);
      }
    }
  }
  return table;
}

/** Whether waiting follows arithmetic: workers, or clients, divided by half a second. */
function showArithmetic(rows: readonly Row[], options: Options): void {
  const table = rows.filter(({ load, close }) => load === 'wait' && !close).flatMap((row) => {
    const expected = expectedOnWait(row.design, options);
    if (expected === undefined) return [];
    const ratio = row.requestsPerSecond / expected;
    return [[row.design, row.requestsPerSecond.toFixed(1), expected.toFixed(1), `${((ratio - 1) * 100).toFixed(0)} %`, Math.abs(ratio - 1) <= 0.1 ? 'as expected' : 'not as expected']];
  });
  if (table.length > 0) console.log(`\nhalf a second of waiting, by arithmetic\n${formatTable([['', 'requests/s', 'expected', 'off by', ''], ...table])}`);
}

function markdown(table: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.trim()).join(' | ')} |`;
  const [head = [], ...body] = table;
  return [line(head), `| --- | ${head.slice(1).map(() => '---:').join(' | ')} |`, ...body.map((row) => line(row.length > 1 && row[1] === '' ? [`**${row[0]}**`, ...row.slice(1)] : row)), ''].join('\n');
}

async function bench(options: Options): Promise<number> {
  if (findProgram('wrk') === null || findProgram('taskset') === null) {
    console.error('This benchmark needs wrk and taskset (Linux): apt-get install wrk util-linux');
    return 1;
  }
  const cores = shareCores();
  const machine = `${describeMachine(cores)}; ${options.clients} clients, ${options.workers} workers`;
  console.log(`${machine}\nmedians of ${options.rounds} rounds of ${options.seconds} s (waiting: one of ${Math.max(options.seconds, WAIT_ROUND_SECONDS)} s), in turns`);
  const { folder, note, command } = subjectOf(options);
  if (note !== null) console.log(note);
  console.log(`the designs of ${folder}`);
  const ours: ServerCommand[] = [];
  for (const one of options.designs.map(command)) {
    const why = await whyNot(one, cores);
    if (why === null) ours.push(one);
    else console.log(`${one.name} is left out: ${why}`);
  }
  if (ours.length === 0) return 1;
  const nginx = findProgram('nginx');
  if (nginx === null) console.log('Without nginx: apt-get install nginx-light, brew install nginx');
  keepWhatIsMeasured();
  const rows: Row[] = [];
  for (const load of loads) {
    for (const { close, title } of connections) {
      announce(`${load.title}, ${title}`);
      // nginx has neither a database to wait for nor anything to compute.
      const commands = nginx !== null && load.name === 'hello' ? [...ours, manyNginxCommand(nginx, await freePort(), options.workers)] : ours;
      // Waiting is arithmetic: a second round tells nothing new.
      const rounds = load.name === 'wait' ? 1 : options.rounds;
      const seen = new Map<string, Row[]>();
      for (let round = 0; round < rounds; round++) {
        for (const command of commands) {
          const row = await attempt(`${command.name} in a round of ${load.name}`, () => measure(command, load, close, options, cores));
          if (row !== null) seen.set(command.name, [...seen.get(command.name) ?? [], row]);
        }
      }
      rows.push(...[...seen.values()].map(middle));
    }
  }
  const table = tableOf(rows, options, cores);
  console.log(`\n${formatTable(table)}`);
  if (rows.some((row) => row.load !== 'wait' && !saturated(row, options, cores))) {
    console.log(`* the server could have used more CPU: the generator, or the design, held it back; requests/s says nothing of its code.`);
  }
  showArithmetic(rows, options);
  writeResults(options.json, { machine, options, rows });
  if (options.markdown !== null) writeFileSync(options.markdown, markdown(table));
  return benchExitCode();
}

try {
  process.exitCode = await bench(parseOptions(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
