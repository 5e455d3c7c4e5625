/**
 * What was measured of WebSockets, as tables, and which goals are reached.
 */

import { count, formatTable } from './table.ts';
import type { WebSocketMeasured } from './websocket-load.ts';
import { MEMORY_AT_MOST, OURS, THEIRS, idleLoad, webSocketScenarios } from './websocket-scenarios.ts';

const SATURATED_PERCENT = 90;
const UNSATURATED =
  `below ${SATURATED_PERCENT} % the server was not saturated: messages/s says nothing, and shares are of CPU time. ` +
  'Repeat it when the machine has nothing else to do.';

export interface Row extends WebSocketMeasured {
  readonly scenario: string;
  readonly server: string;
}

export interface MemoryRow {
  readonly server: string;
  readonly connections: number;
  /** The growth of the resident set, divided by their number. */
  readonly residentBytes: number;
  /** The same when the server has been told to collect its garbage. */
  readonly collectedBytes: number;
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
export function showRows(rows: readonly Row[]): void {
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

export function showMemory(rows: readonly MemoryRow[]): void {
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
export function showGoals(rows: readonly Row[], memory: readonly MemoryRow[]): void {
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
