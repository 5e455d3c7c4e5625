/**
 * The supervisor for a long time, with reloads and with workers that are killed:
 * `npx tsx tests/chapter-07/soak.ts --minutes 60 [--reload-every 10] [--kill-every 15] [--clients 8] [--workers 4] [--seed N]`
 *
 * The supervisor of the reference runs in a process of its own, with the clients of the ledger (docs/ledger.md). At
 * one interval it is told to reload, at another a random worker gets a kill -9. 0 switches either off.
 *
 * A client that retries may lose nothing but what broke off in the middle, together with a worker that was killed. The
 * master may not grow, and may leave neither descriptors nor processes behind.
 *
 * Exit codes: 0 all was well, 1 something was not, 2 wrong arguments.
 */

import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { Clients } from '../../course/bench/ledger/clients.ts';
import type { Loss } from '../../course/bench/ledger/clients.ts';
import { Service, send, until } from '../../course/bench/ledger/service.ts';
import { freePort } from '../../course/bench/support/server-process.ts';
import { openDescriptors, proportionalBytes, residentBytes } from '../../course/bench/support/process-tree.ts';
import { Random } from '../support/random.ts';

interface Options {
  readonly minutes: number;
  readonly reloadEverySeconds: number;
  readonly killEverySeconds: number;
  readonly clients: number;
  readonly workers: number;
  readonly seed: number;
}

/** A reload that nothing disturbs is over after this, even on a machine with much else to do. */
const SETTLED_MS = 120_000;
const TICK_MS = 100;
const WORD_EVERY_MS = 60_000;
/** How much larger the master's memory may be at the end: a heap breathes. */
const GROWTH_MAX = 1.5;
const ROOT = join(import.meta.dirname, '..', '..');
const KINDS = ['new connection', 'keep-alive', 'WebSocket', 'event stream'] as const;

interface Sample {
  readonly residentBytes: number;
  readonly proportionalBytes: number;
  readonly descriptors: number;
}

/** The master, when nothing is going on: as many workers as there should be, and none that is leaving. */
async function sample(service: Service, workers: number): Promise<Sample> {
  await until(() => service.workers().length === workers, `there are ${service.workers().length} workers and not ${workers}`, SETTLED_MS);
  const { master } = service;
  return { residentBytes: residentBytes(master), proportionalBytes: proportionalBytes(master), descriptors: openDescriptors(master) };
}

function startSupervisor(port: number, workers: number): Promise<Service> {
  return Service.start(port, [
    process.execPath, join(ROOT, 'solutions', '07-prefork', 'main.ts'),
    `${join(ROOT, 'course', 'bench', 'servers', 'reload-async.ts')}:app`,
    '--bind', `127.0.0.1:${port}`, '--workers', String(workers), '--graceful-timeout', '5',
  ]);
}

async function disturb(service: Service, clients: Clients, options: Options, killed: Set<number>): Promise<void> {
  const { minutes, reloadEverySeconds, killEverySeconds, seed } = options;
  const random = new Random(`${seed} soak`);
  const begunMs = performance.now();
  const due = (times: number, everySeconds: number): boolean => everySeconds > 0 && performance.now() - begunMs >= (times + 1) * everySeconds * 1000;
  let [reloads, kills, words] = [0, 0, 0];
  while (performance.now() - begunMs < minutes * 60_000) {
    clients.check();
    if (due(reloads, reloadEverySeconds)) {
      if (!send(service.master, 'SIGHUP')) throw new Error('the master is gone');
      reloads++;
    }
    const workers = service.workers();
    if (due(kills, killEverySeconds) && workers.length > 0) {
      const victim = random.pick(workers);
      killed.add(victim);
      send(victim, 'SIGKILL');
      kills++;
    }
    if (due(words, WORD_EVERY_MS / 1000)) {
      console.log(`${new Date().toISOString()}  ${clients.ended} requests, ${reloads} reloads, ${kills} kills, ${clients.losses.length} lost`);
      words++;
    }
    await wait(TICK_MS);
  }
  console.log(`${reloads} reloads, ${kills} kills`);
}

function describe(loss: Loss): string {
  return `${loss.kind}: ${loss.failure}, worker ${loss.worker ?? 'unknown'}`;
}

async function soak(options: Options): Promise<string[]> {
  const problems: string[] = [];
  const port = await freePort();
  const service = await startSupervisor(port, options.workers);
  const killed = new Set<number>();
  const clients = new Clients({
    address: { host: '127.0.0.1', port }, seed: options.seed, patienceMs: SETTLED_MS,
    counts: { 'new connection': options.clients, 'keep-alive': options.clients, WebSocket: options.clients, 'event stream': options.clients },
  });
  try {
    await until(() => clients.answers > 40 * options.clients, 'the clients get on with nothing');
    const before = await sample(service, options.workers);
    await disturb(service, clients, options, killed);
    const after = await sample(service, options.workers);
    const books = await clients.stop();
    for (const kind of KINDS) {
      const { sent, answered, lostWithoutRetry, lostWithRetry, worstMs } = books.get(kind)!;
      console.log(`${kind}: ${sent} sent, ${answered} answered at once, lost ${lostWithRetry} with retry and ${lostWithoutRetry} without; the longest waited ${Math.round(worstMs)} ms`);
    }
    const elsewhere = clients.losses.filter(({ worker, failure }) => failure !== 'cut' || worker === null || !killed.has(worker));
    for (const loss of elsewhere) problems.push(`lost, and not with a worker that was killed: ${describe(loss)}`);
    console.log(`${clients.losses.length - elsewhere.length} broke off with a worker that was killed; ${elsewhere.length} were lost in another way`);
    const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
    console.log(
      `master: RSS ${mebibytes(before.residentBytes)} → ${mebibytes(after.residentBytes)} MiB, ` +
      `PSS ${mebibytes(before.proportionalBytes)} → ${mebibytes(after.proportionalBytes)} MiB, descriptors ${before.descriptors} → ${after.descriptors}`,
    );
    if (after.descriptors > before.descriptors) problems.push(`the master has ${after.descriptors - before.descriptors} more descriptors open than at the beginning`);
    if (after.residentBytes > GROWTH_MAX * before.residentBytes) problems.push('the master has grown');
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  const left = await service.stop();
  console.log(`processes left behind: ${left}`);
  if (left > 0) problems.push(`${left} processes were left behind`);
  if (problems.length > 0) console.log(service.output);
  return problems;
}

function parseOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      'reload-every': { type: 'string', default: '10' },
      'kill-every': { type: 'string', default: '15' },
      clients: { type: 'string', default: '8' },
      workers: { type: 'string', default: '4' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    },
  });
  const options: Options = {
    minutes: Number(values.minutes), reloadEverySeconds: Number(values['reload-every']), killEverySeconds: Number(values['kill-every']),
    clients: Number(values.clients), workers: Number(values.workers), seed: Number(values.seed),
  };
  const whole = [options.clients, options.workers, options.seed].every(Number.isSafeInteger);
  return whole && options.minutes > 0 && options.reloadEverySeconds >= 0 && options.killEverySeconds >= 0 && options.clients > 0 && options.workers > 0 ? options : null;
}

async function main(): Promise<number> {
  const options = parseOptions();
  if (options === null) {
    console.error('use: soak.ts [--minutes N] [--reload-every SECONDS] [--kill-every SECONDS] [--clients N] [--workers N] [--seed N]');
    return 2;
  }
  const { minutes, reloadEverySeconds, killEverySeconds, seed } = options;
  console.log(`${minutes} minutes, a reload every ${reloadEverySeconds} s, a kill every ${killEverySeconds} s, seed ${seed}`);
  const problems = await soak(options);
  for (const text of problems.slice(0, 20)) console.log(`✗ ${text}`);
  console.log(problems.length === 0 ? '✓ nothing was lost that a retry could have saved, and nothing was left behind' : `${problems.length} problems, seed ${seed}`);
  return problems.length === 0 ? 0 : 1;
}

process.exitCode = await main();
