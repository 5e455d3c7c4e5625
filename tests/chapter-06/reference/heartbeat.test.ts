/** When a silent peer is asked and given up: by a clock that the tests move, on a fake socket. */

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { SessionGroup } from '../../../solutions/06-websocket/session-group.ts';
import type { WebSocketTimeouts } from '../../../solutions/06-websocket/timeouts.ts';
import { WebSocketConnection } from '../../../solutions/06-websocket/websocket-connection.ts';
import { WebSocketSession } from '../../../solutions/06-websocket/websocket-session.ts';
import { clientFrame, text } from '../cases/index.ts';

const STEP_MS = 100;
const PING = 0x89;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A session whose peer is the test. */
class Silence {
  readonly pingsMs: number[] = [];
  cutMs: number | null = null;
  readonly #session: WebSocketSession;
  /** What the kernel still has to take, where the peer reads slowly: each call takes one write. */
  readonly #held: (() => void)[] = [];
  /** Whether writes wait to be taken. */
  slow = false;

  constructor(timeouts: Partial<WebSocketTimeouts>) {
    const duplex = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, callback) => {
        if (chunk[0] === PING) this.pingsMs.push(performance.now());
        if (this.slow) this.#held.push(callback);
        else callback();
      },
    });
    const destroy = duplex.destroy.bind(duplex);
    const socket = Object.assign(duplex, {
      setNoDelay: () => undefined,
      destroy: () => {
        this.cutMs ??= performance.now();
        return destroy();
      },
    });
    const machine = new WebSocketConnection();
    this.#session = new WebSocketSession(socket as unknown as Socket, machine, new SessionGroup({ timeouts }));
  }

  /** Sends a long message. */
  send(bytes: number): void {
    this.#session.outbox.send(Buffer.alloc(bytes));
  }

  /** The peer reads a little: the kernel takes one more write. False where none waits. */
  read(): boolean {
    const take = this.#held.shift();
    take?.();
    return take !== undefined;
  }

  /** A message arrives. @returns when */
  hear(): number {
    this.#session.receiveData(clientFrame(text('here')));
    return performance.now();
  }

  /** Time goes by, until something is so. */
  async until(condition: () => boolean): Promise<void> {
    for (let steps = 0; !condition(); steps++) {
      if (steps === 10_000) throw new Error('waited in vain');
      vi.advanceTimersByTime(STEP_MS);
      // What is written leaves at the end of the turn.
      await new Promise(setImmediate);
    }
  }

  async pass(ms: number): Promise<void> {
    const end = performance.now() + ms;
    await this.until(() => performance.now() >= end);
  }
}

describe('silence begins when the peer was last heard', () => {
  // Two ticks of the group's clock, and one step of the test's.
  const lateMs = 2 * 1000 + STEP_MS;

  test.each([300, 1700, 10_000, 19_900, 20_500])('a peer that has said something after %d ms, and then nothing', async (ms) => {
    const silence = new Silence({ heartbeatMs: 20_000, pongMs: 20_000 });
    await silence.pass(ms);
    const heardMs = silence.hear();
    await silence.until(() => silence.cutMs !== null);
    const pingMs = silence.pingsMs.at(-1)!;
    expect(silence.pingsMs).toHaveLength(1);
    expect(pingMs - heardMs).toBeGreaterThanOrEqual(20_000);
    expect(pingMs - heardMs).toBeLessThanOrEqual(20_000 + lateMs);
    expect(silence.cutMs! - pingMs).toBeGreaterThanOrEqual(20_000);
    expect(silence.cutMs! - pingMs).toBeLessThanOrEqual(20_000 + lateMs);
  });

  test('a peer that has answered a ping and falls silent is asked again after heartbeatMs, however long a pong may take', async () => {
    const silence = new Silence({ heartbeatMs: 10_000, pongMs: 60_000 });
    await silence.until(() => silence.pingsMs.length === 1);
    const heardMs = silence.hear();
    await silence.until(() => silence.pingsMs.length === 2);
    expect(silence.pingsMs[1]! - heardMs).toBeGreaterThanOrEqual(10_000);
    expect(silence.pingsMs[1]! - heardMs).toBeLessThanOrEqual(10_000 + lateMs);
  });

  test('a peer that goes on talking is never asked', async () => {
    const silence = new Silence({ heartbeatMs: 20_000, pongMs: 20_000 });
    for (let times = 0; times < 20; times++) {
      await silence.pass(17_000);
      silence.hear();
    }
    expect(silence.pingsMs).toEqual([]);
    expect(silence.cutMs).toBeNull();
  });
});

describe('to read is a sign of life', () => {
  test('a peer that reads a long message slowly, and says nothing, is kept as long as it reads', async () => {
    const silence = new Silence({ heartbeatMs: 20_000, pongMs: 20_000 });
    silence.slow = true;
    silence.send(4 * 1024 * 1024);
    let reads = 0;
    while (silence.read()) {
      reads++;
      await silence.pass(5_000);
    }
    // Much longer than a silent one is waited for.
    expect(reads).toBeGreaterThan(20);
    expect(silence.cutMs).toBeNull();
    const stoppedMs = performance.now();
    await silence.until(() => silence.cutMs !== null);
    expect(silence.cutMs! - stoppedMs).toBeLessThanOrEqual(45_000);
  });

  test('a peer that has stopped in the middle of it is cut', async () => {
    const silence = new Silence({ heartbeatMs: 20_000, pongMs: 20_000 });
    silence.slow = true;
    silence.send(4 * 1024 * 1024);
    await silence.until(() => silence.cutMs !== null);
    expect(performance.now()).toBeGreaterThanOrEqual(40_000);
  });

  test('what the kernel takes at once shows nothing: a vanished member of a busy room is found', async () => {
    const silence = new Silence({ heartbeatMs: 20_000, pongMs: 20_000 });
    const sending = setInterval(() => silence.send(100), 1000);
    await silence.until(() => silence.cutMs !== null);
    clearInterval(sending);
    expect(silence.pingsMs).toHaveLength(1);
  });
});
