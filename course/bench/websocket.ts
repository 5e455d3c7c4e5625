/**
 * `npm run bench websocket [-- --seconds N --rounds N --only ping-pong,memory --servers ws,ten-servers --json FILE]`
 *
 * Chapter 06's WebSockets beside those of ws (with and without bufferutil) and of uvicorn. All are measured in one run
 * and in turns, each on a core of its own that the generator leaves alone. A row counts only if that core was busy: else
 * the generator was measured, the row is marked, and what it is compared by is CPU time instead. Takes five minutes.
 */

import {
  ServerProcess, announce, attempt, benchExitCode, benchOptions, chooseCores, count, describeMachine, findProgram, inTurns,
  keepWhatIsMeasured, median, startServers, writeResults,
} from './support/index.ts';
import type { BenchOptions, Cores, ServerCommand } from './support/index.ts';
import { openFilesMax } from './support/machine.ts';
import { ClientsProcess, runClients } from './support/websocket-load.ts';
import type { WebSocketMeasured } from './support/websocket-load.ts';
import { showGoals, showMemory, showRows } from './support/websocket-report.ts';
import type { MemoryRow, Row } from './support/websocket-report.ts';
import { idleLoad, webSocketScenarios } from './support/websocket-scenarios.ts';
import type { WebSocketScenario } from './support/websocket-scenarios.ts';
import { availableServers, whyNot, wsVersion } from './support/websocket-servers.ts';

const WARM_UP_SECONDS = 1;
/** The most files that a process has open besides its sockets. */
const OTHER_FILES = 50;

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
  options: BenchOptions,
  cores: Cores,
): Promise<Row[]> {
  const able = servers.filter(({ name }) => {
    const why = whyNot(name, scenario);
    if (why !== null) console.log(`Without ${name} in ${scenario.name}: ${why}`);
    return why === null;
  });
  const rounds = await inTurns(scenario.name, able, options.rounds, (server, warmsUp) =>
    runClients(server, scenario.load, warmsUp ? WARM_UP_SECONDS : options.seconds, cores));
  return [...rounds].map(([server, results]) => {
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

/** Medians of rounds, each with processes of its own: a heap grows by steps, sometimes before the count and sometimes after it. */
async function measureMemories(commands: readonly ServerCommand[], rounds: number, cores: Cores): Promise<MemoryRow[]> {
  const measured: MemoryRow[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const command of commands) {
      const row = await attempt(`${command.name} in memory`, () => measureMemory(command, cores));
      if (row !== null) measured.push(row);
    }
  }
  return commands.filter(({ name }) => measured.some(({ server }) => server === name)).map(({ name }) => {
    const rows = measured.filter(({ server }) => server === name);
    const middle = (key: 'residentBytes' | 'collectedBytes'): number => median(rows.map((row) => row[key]));
    return { ...rows[0]!, residentBytes: middle('residentBytes'), collectedBytes: middle('collectedBytes') };
  });
}

async function measureMemory(command: ServerCommand, cores: Cores): Promise<MemoryRow> {
  const server = await ServerProcess.start(command, cores.server);
  let clients: ClientsProcess | null = null;
  try {
    // Not measured: code and buffers that only the first connections need.
    await runClients(server, { ...idleLoad, connections: 100, idle: false }, WARM_UP_SECONDS, cores);
    await collectGarbage(server);
    const before = server.residentBytes();
    clients = new ClientsProcess(idleLoad, server.origin, cores.generator.split(',')[0]!);
    await clients.ready();
    const perConnection = (): number => (server.residentBytes() - before) / idleLoad.connections;
    const residentBytes = perConnection();
    await collectGarbage(server);
    return { server: command.name, connections: idleLoad.connections, residentBytes, collectedBytes: perConnection() };
  } finally {
    await clients?.end();
    await server.stop();
  }
}

async function collectGarbage(server: ServerProcess): Promise<void> {
  await fetch(`${server.origin}/gc`, { headers: { Connection: 'close' } }).then((response) => response.arrayBuffer());
}

async function bench(options: BenchOptions): Promise<number> {
  if (findProgram('taskset') === null) {
    console.error('This benchmark needs taskset (Linux): apt-get install util-linux');
    return 1;
  }
  const cores = chooseCores();
  const machine = `${describeMachine(cores)}; ${wsVersion()}`;
  console.log(`${machine}\nmedians of ${options.rounds} rounds of ${options.seconds} s, in turns`);
  const commands = await availableServers(options.servers);
  const names = possible(options.scenarios);
  keepWhatIsMeasured();
  const rows: Row[] = [];
  const servers = await startServers(commands, cores.server);
  for (const scenario of webSocketScenarios.filter(({ name }) => names.includes(name))) {
    announce(scenario.title);
    rows.push(...await measure(scenario, servers, options, cores));
  }
  await Promise.all(servers.map((server) => server.stop()));
  if (names.includes('memory')) announce('idle connections');
  const memory = names.includes('memory') ? await measureMemories(commands, options.rounds, cores) : [];
  if (rows.length > 0) showRows(rows);
  if (memory.length > 0) showMemory(memory);
  showGoals(rows, memory);
  writeResults(options.json, { machine, options, rows, memory });
  return benchExitCode();
}

async function main(argv: readonly string[]): Promise<number> {
  let options: BenchOptions;
  try {
    options = benchOptions(argv, [...webSocketScenarios.map((scenario) => scenario.name), 'memory']);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
  return bench(options);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
