/**
 * A design of chapter 04, by name: `design.ts NAME WORKERS`. The learner's; with `--conditions=solutions`, the reference.
 */

import { designNamed } from '#subject/04-workers/index.ts';

const [name = '', workers = '1'] = process.argv.slice(2);
// Every client of the load may wait: what is measured is the design, and not its refusals.
const server = await designNamed(name)({ workers: Number(workers), queueMax: 10_000, idleMs: 600_000 });
console.log(`listening on http://127.0.0.1:${server.address.port}`);
