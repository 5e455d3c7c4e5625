/**
 * A thread of the pool that computes: it is given milliseconds, and gives nothing back but its time.
 */

import { burnCpu } from './burn.ts';
import { serveTasks } from './serve-tasks.ts';

serveTasks<number, void>((ms) => ({ result: burnCpu(ms) }));
