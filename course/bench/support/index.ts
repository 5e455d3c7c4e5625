/**
 * What benchmarks share: the door to this folder.
 */

export { chooseCores, describeMachine, findProgram, shareCores } from './machine.ts';
export type { Cores, ManyCores } from './machine.ts';
export { benchOptions, positive } from './options.ts';
export type { BenchOptions } from './options.ts';
export { ServerProcess, freePort } from './server-process.ts';
export type { ServerCommand } from './server-process.ts';
export { count, formatTable, median } from './table.ts';
export {
  announce, attempt, benchExitCode, inTurns, keepWhatIsMeasured, startServers, writeResults,
} from './turns.ts';
export { runWrk } from './wrk.ts';
export type { Load, Measured } from './wrk.ts';
