/**
 * A thread of the pool that computes: it gets a number of milliseconds, and computes for that long.
 */

import { burnCpu } from './burn.ts';
import { serveTasks } from './serve-tasks.ts';

serveTasks<number, void>((ms) => ({ result: burnCpu(ms) }));
