/** How the harness waits while other programs have the processor. Here time itself is what is tested. */
import { describe, expect, test } from 'vitest';
import { serverThat, withSubject } from '#support/fixtures/evil.ts';
import type { CheckFailure } from '#support/failure.ts';
import type { ThreadTimes } from '#support/own-time.ts';
import { TcpClient } from '#support/tcp-client.ts';
import type { Address } from '#support/tcp-client.ts';

describe('time that others have taken', () => {
  /** A thread of ours that waits for a processor all the time, until it is let run. */
  class Starved {
    #startedMs = performance.now();
    #untilMs = Infinity;

    read(): ReadonlyMap<string, ThreadTimes> {
      return new Map([['worker', { ranMs: 0, waitedMs: Math.min(performance.now(), this.#untilMs) - this.#startedMs }]]);
    }

    isRunnable(): boolean {
      return false;
    }

    neighboursMs(): number {
      return 0;
    }

    end(): void {
      this.#untilMs = performance.now();
    }
  }

  test('does not count as silence, however long it lasts', async () => {
    const threads = new Starved();
    await withSubject(serverThat('socket.resume()'), async (subject) => {
      const client = await new TcpClient(subject, (await subject.call('start', [])) as Address).connected();
      let met: string | undefined;
      const waiting = client.until(() => client.receivedBytes > 0, { patienceMs: 300 }).catch((error: CheckFailure) => (met = error.report.kind));
      await new Promise((resolve) => setTimeout(resolve, 2000));
      expect(met).toBeUndefined();
      threads.end();
      await waiting;
      expect(met).toBe('silent');
      client.destroy();
    }, { threads });
  });

  test('is not on the clock of a test', async () => {
    await withSubject(serverThat('socket.resume()'), async (subject) => {
      const [ownMs, wallMs] = [subject.ownMs(), performance.now()];
      await new Promise((resolve) => setTimeout(resolve, 1500));
      // On a machine that is busy, some of it passes before the account is looked at.
      expect(subject.ownMs() - ownMs).toBeLessThan((performance.now() - wallMs) / 2);
    }, { threads: new Starved() });
  });
});
