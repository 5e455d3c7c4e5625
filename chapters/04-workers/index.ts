/**
 * Chapter 04, every design side by side: the only door into this chapter.
 */

export { designNamed, designs } from './designs.ts';
export type { DesignName } from './designs.ts';
export type { CloseOptions, Design, DesignOptions, RunningServer, Stats, WorkerStats } from './design.ts';
export { tooManyWorkers } from './settings.ts';

// 4.1
export { WaitingLine } from './waiting-line.ts';
export type { WaitingLineOptions } from './waiting-line.ts';

// 4.6
export { PoolError, WorkerPool } from './worker-pool.ts';
export type { RunOptions, WorkerPoolOptions, WorkerPoolStats } from './worker-pool.ts';
export { serveTasks } from './serve-tasks.ts';
export type { TaskResult } from './serve-tasks.ts';

export { app } from './app.ts';
export type { App, AppOptions, AppRequest } from './app.ts';
export { blockFor, burnCpu } from './burn.ts';
export { endWithUs } from './end-with-us.ts';
