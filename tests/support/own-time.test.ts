import { describe, expect, it } from 'vitest';
import { OwnTime } from '#support/own-time.ts';
import type { ThreadTimes } from '#support/own-time.ts';

/** A machine that does what it is told: a clock, and threads with their accounts. */
class Machine {
  clockMs = 0;
  cpuMs = 0;
  neighboursMs = 0;
  keepsAccount = true;
  readonly runnable = new Set<string>();
  readonly #threads = new Map<string, ThreadTimes>();
  readonly time: OwnTime;

  constructor(cores = 2) {
    const read = (): ReadonlyMap<string, ThreadTimes> | null => (this.keepsAccount ? new Map(this.#threads) : null);
    const isRunnable = (thread: string): boolean => this.runnable.has(thread);
    this.time = new OwnTime({ read, isRunnable, neighboursMs: () => this.neighboursMs }, { cores, now: () => this.clockMs, cpuMs: () => this.cpuMs });
    this.#threads.set('server', { ranMs: 0, waitedMs: 0 });
    this.time.look();
  }

  /** Time goes on, and threads run and wait in it. */
  pass(wallMs: number, threads: Record<string, { ran?: number; waited?: number }> = {}, dueMs?: number): void {
    this.clockMs += wallMs;
    for (const [name, { ran = 0, waited = 0 }] of Object.entries(threads)) {
      const { ranMs, waitedMs } = this.#threads.get(name) ?? { ranMs: 0, waitedMs: 0 };
      this.#threads.set(name, { ranMs: ranMs + ran, waitedMs: waitedMs + waited });
    }
    this.time.look(dueMs);
  }
}

describe('time is lost', () => {
  it('while a thread waits for a processor', () => {
    const machine = new Machine();
    machine.pass(1000, { server: { ran: 20, waited: 900 } });
    expect(machine.time.wallMs).toBe(1000);
    expect(machine.time.lostMs).toBe(890);
  });

  it('while any of them does, one that is new too, and no more of it than there was', () => {
    const machine = new Machine();
    machine.pass(1000, { worker: { waited: 400 } });
    expect(machine.time.lostMs).toBe(400);
    machine.pass(1000, { worker: { waited: 800 }, server: { waited: 800 } });
    expect(machine.time.lostMs).toBe(1400);
  });

  it('while one wants to run and does not: that wait is in no account yet', () => {
    const machine = new Machine();
    machine.runnable.add('server');
    machine.pass(300);
    expect(machine.time.lostMs).toBe(300);
  });
});

describe('time is not lost', () => {
  it('while all sleep', () => {
    const machine = new Machine();
    machine.pass(1000, { server: { ran: 5, waited: 1 } });
    expect(machine.time.lostMs).toBe(0);
  });

  it('while one runs that never rests', () => {
    const machine = new Machine();
    machine.runnable.add('server');
    machine.pass(1000, { server: { ran: 995, waited: 5 } });
    expect(machine.time.lostMs).toBe(0);
  });

  it('while their own threads are what the processors are busy with', () => {
    const machine = new Machine();
    const spinning = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`thread ${index}`, { ran: 200, waited: 800 }]));
    machine.pass(1000, { ...spinning, server: { ran: 0, waited: 1000 } });
    expect(machine.time.lostMs).toBe(0);
  });

  it('before the first look', () => {
    const machine = new Machine();
    const late = new OwnTime({ read: () => new Map([['server', { ranMs: 10, waitedMs: 5000 }]]), isRunnable: () => false, neighboursMs: () => 0 }, { now: () => machine.clockMs });
    late.look();
    expect(late.lostMs).toBe(0);
  });
});

it('what other tests of this run have had is lost, but not to strangers', () => {
  const machine = new Machine();
  machine.neighboursMs += 1200;
  machine.pass(1000, { server: { ran: 100, waited: 900 } });
  expect(machine.time.lostMs).toBe(850);
  expect(machine.time.toStrangersMs).toBe(250);
  machine.neighboursMs += 2000;
  machine.pass(1000, { server: { waited: 900 } });
  expect(machine.time.lostMs).toBe(1750);
  expect(machine.time.toStrangersMs).toBe(250);
});

describe('where nobody keeps account', () => {
  it('a look that comes late is the measure, but for what we did ourselves', () => {
    const machine = new Machine();
    machine.keepsAccount = false;
    machine.pass(60, {}, 50);
    expect(machine.time.lostMs).toBe(10);
    machine.cpuMs += 300;
    machine.pass(850, {}, 50);
    expect(machine.time.lostMs).toBe(510);
  });

  it('a look that nobody said a time for loses nothing', () => {
    const machine = new Machine();
    machine.keepsAccount = false;
    machine.pass(5000);
    expect(machine.time.lostMs).toBe(0);
  });
});
