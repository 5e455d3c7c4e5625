/**
 * What happens to a service while clients use it. The pace is the clients': a scenario goes on when a number of
 * further requests have ended, not after a number of seconds.
 */

import { readFileSync } from 'node:fs';

import { Random } from '../../../tests/support/random.ts';
import { isAlive } from '../support/process-tree.ts';
import type { Totals } from './books.ts';
import type { Clients } from './clients.ts';
import type { Running, ScenarioName } from './servers.ts';
import { send, until } from './service.ts';

export interface Stage {
  readonly running: Running;
  readonly clients: Clients;
  readonly random: Random;
  /** How often it happens. */
  readonly rounds: number;
  readonly workers: number;
  /** When a worker last answered on a new connection. */
  readonly lastAnswerMs: (worker: number) => number;
  /** Workers that have answered on a new connection, ever. */
  readonly answering: () => number[];
  /** There is only one process: it is what is killed, and the harness starts it again. */
  readonly single: boolean;
}

export interface Happened {
  /** Until no old worker answers a new connection, in milliseconds, the median of the rounds. */
  readonly newMs?: readonly number[];
  /** Until all old workers are gone. */
  readonly goneMs?: readonly number[];
  /** What waited in the accept queue when the reload was ordered. */
  readonly queued?: readonly number[];
  readonly burst?: Totals;
  /** Workers that were killed. */
  readonly killed?: readonly number[];
  /** Workers that were replaced by others. */
  readonly replaced?: number;
  /** What did not happen that should have. */
  readonly note?: string;
}

/** How long old workers, or a worker's successor, are waited for. A frozen worker that nobody looks after stays. */
const GIVE_UP_MS = 30_000;
const FROZEN_MS = 12_000;
const BURST = 200;

export interface Scenario {
  readonly name: ScenarioName;
  readonly title: string;
  /** How long a client waits for anything, in milliseconds. */
  readonly patienceMs: number;
  readonly leakKilobytes?: number;
  run(stage: Stage): Promise<Happened>;
}

/** Until this many more requests have ended. */
async function requests({ clients }: Stage, number: number): Promise<void> {
  const goal = clients.ended + number;
  await until(() => {
    clients.check();
    return clients.ended >= goal;
  }, 'the clients get on with nothing', GIVE_UP_MS).catch((error: unknown) => {
    // Of a service that answers nobody any more, the books tell all there is to tell.
    clients.check();
    return error;
  });
}

/** Does something that replaces all workers, and waits until the old ones are gone. */
async function replaceAll(stage: Stage, how: () => Promise<void>): Promise<{ newMs: number; goneMs: number }> {
  const { running } = stage;
  const old = stage.single ? running.service.processes() : running.service.workers();
  const begunMs = performance.now();
  await how();
  const goneMs = await until(() => !old.some(isAlive), '', GIVE_UP_MS).then(() => performance.now() - begunMs, () => NaN);
  const newMs = Math.max(0, ...old.map((worker) => stage.lastAnswerMs(worker) - begunMs));
  await until(() => stage.single || running.service.workers().length >= stage.workers, '', GIVE_UP_MS).catch(() => undefined);
  return { newMs, goneMs };
}

async function reload(stage: Stage): Promise<Happened> {
  const seen: { newMs: number; goneMs: number }[] = [];
  for (let round = 0; round < stage.rounds; round++) {
    seen.push(await replaceAll(stage, () => stage.running.reload()));
    await requests(stage, 200);
  }
  // And again before the one before has ended.
  await replaceAll(stage, async () => {
    await Promise.all([stage.running.reload(), requests(stage, 30).then(() => (stage.single ? undefined : stage.running.reload()))]);
  });
  await requests(stage, 200);
  return { newMs: seen.map(({ newMs }) => newMs), goneMs: seen.map(({ goneMs }) => goneMs) };
}

async function upgrade(stage: Stage): Promise<Happened> {
  const seen = await replaceAll(stage, () => stage.running.upgrade());
  await requests(stage, 400);
  return { newMs: [seen.newMs], goneMs: [seen.goneMs] };
}

async function kill(stage: Stage): Promise<Happened> {
  const { running, random } = stage;
  const killed: number[] = [];
  let replaced = 0;
  for (let round = 0; round < stage.rounds; round++) {
    if (stage.single) {
      killed.push(running.service.master);
      await running.reload();
      replaced++;
    } else {
      const victim = random.pick(running.service.workers());
      killed.push(victim);
      process.kill(victim, 'SIGKILL');
      await until(() => !isAlive(victim) && running.service.workers().length >= stage.workers, '', GIVE_UP_MS).then(() => replaced++, () => undefined);
    }
    await requests(stage, 200);
  }
  return { killed, replaced };
}

async function freeze(stage: Stage): Promise<Happened> {
  const { running, random } = stage;
  const victim = stage.single ? running.service.master : random.pick(running.service.workers());
  process.kill(victim, 'SIGSTOP');
  const begunMs = performance.now();
  const gone = await until(() => !isAlive(victim), '', FROZEN_MS).then(() => true, () => false);
  if (!gone) return { note: 'nobody notices the frozen worker' };
  const goneMs = performance.now() - begunMs;
  await requests(stage, 200);
  return { goneMs: [goneMs], replaced: 1 };
}

async function memory(stage: Stage): Promise<Happened> {
  const before = new Set(stage.running.service.workers());
  const replaced = (): number => [...before].filter((worker) => !isAlive(worker)).length;
  await until(() => {
    stage.clients.check();
    return replaced() === before.size;
  }, '', 2 * GIVE_UP_MS).catch(() => undefined);
  await requests(stage, 200);
  return { replaced: replaced(), ...replaced() === before.size ? {} : { note: 'not all workers were recycled' } };
}

/**
 * Connections pile up while no worker accepts any; then comes the reload. The old workers go on at once, or only when a
 * new one has answered, in turns: the one finds those that drop the queue when they are told to go, the other those whose
 * queue dies with them.
 */
async function queue(stage: Stage): Promise<Happened> {
  const { running, clients } = stage;
  const queued: number[] = [];
  const totals: Totals[] = [];
  for (let round = 0; round < stage.rounds; round++) {
    const old = running.service.workers();
    for (const worker of old) process.kill(worker, 'SIGSTOP');
    const burst = clients.burst(BURST, round);
    await burst.connected;
    queued.push(acceptQueue(running.service.port));
    const reloaded = running.reload();
    if (running.told !== undefined) await running.told();
    else if (round % 2 === 0) await until(() => stage.answering().some((worker) => !old.includes(worker)), '', FROZEN_MS).catch(() => undefined);
    for (const worker of old) send(worker, 'SIGCONT');
    await reloaded;
    totals.push(await burst.ended);
    await until(() => !old.some(isAlive), '', GIVE_UP_MS).catch(() => undefined);
    await until(() => running.service.workers().length >= stage.workers, '', GIVE_UP_MS).catch(() => undefined);
    await requests(stage, 100);
  }
  return { queued, burst: sum(totals) };
}

/** Connections that the kernel has accepted and the service has not: the sum over all sockets that listen on the port. */
export function acceptQueue(port: number): number {
  const address = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const LISTEN = '0A';
  return readFileSync('/proc/net/tcp', 'utf8').split('\n').map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1] === address && fields[3] === LISTEN)
    .reduce((total, fields) => total + parseInt(fields[4]!.split(':')[1]!, 16), 0);
}

function sum(all: readonly Totals[]): Totals {
  const add = (of: (totals: Totals) => number): number => all.reduce((total, one) => total + of(one), 0);
  return {
    sent: add(({ sent }) => sent), answered: add(({ answered }) => answered),
    lost: {
      refused: add(({ lost }) => lost.refused), reset: add(({ lost }) => lost.reset), cut: add(({ lost }) => lost.cut),
      wrong: add(({ lost }) => lost.wrong), unanswered: add(({ lost }) => lost.unanswered),
    },
    lostWithoutRetry: add(({ lostWithoutRetry }) => lostWithoutRetry), lostWithRetry: add(({ lostWithRetry }) => lostWithRetry),
    worstMs: Math.max(...all.map(({ worstMs }) => worstMs)),
  };
}

export const scenarios: readonly Scenario[] = [
  { name: 'reload', title: 'reload: HUP, one after another, the last two at once', patienceMs: 30_000, run: reload },
  { name: 'upgrade', title: 'upgrade: a second master, then an end of the first', patienceMs: 30_000, run: upgrade },
  { name: 'kill', title: 'kill: kill -9 of one worker, again and again', patienceMs: 30_000, run: kill },
  { name: 'freeze', title: 'freeze: SIGSTOP of one worker', patienceMs: 10_000, run: freeze },
  { name: 'memory', title: 'memory: workers are recycled', patienceMs: 30_000, leakKilobytes: 128, run: memory },
  { name: 'queue', title: `queue: reload while ${BURST} connections wait to be accepted`, patienceMs: 30_000, run: queue },
];
