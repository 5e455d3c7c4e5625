/** A design of chapter 04, by name: `design.ts chapters|solutions NAME WORKERS`. */

const [tree = '', name = '', workers = '1'] = process.argv.slice(2);
const { designNamed } = (await import(new URL(`../../../${tree}/04-workers/index.ts`, import.meta.url).href)) as typeof import('../../../chapters/04-workers/index.ts');
// Every client of the load may wait: what is measured is the design, and not its refusals.
const server = await designNamed(name)({ workers: Number(workers), queueMax: 10_000, idleMs: 600_000 });
console.log(`listening on http://127.0.0.1:${server.address.port}`);
