/** What hangs, floods and leaves children behind: seconds of waiting or of a whole processor each. */
import { describe, expect, test } from 'vitest';
import { echoVerdict, isRunning, serverThat, untilGone, withSubject } from '#support/fixtures/evil.ts';
import type { FailureReport } from '#support/failure.ts';
import { TcpClient } from '#support/tcp-client.ts';
import type { Address } from '#support/tcp-client.ts';

const ECHO = 'socket.on("data", (bytes) => socket.write(bytes)).on("error", () => {});';

describe('the ways to be silent are told apart', () => {
  const cases: readonly (readonly [what: string, source: string, verdict: Partial<FailureReport> | undefined])[] = [
    ['a promise that never settles', 'export function start() { return new Promise(() => {}); }', { kind: 'did not start' }],
    ['a top-level await that never ends', 'await new Promise(() => {}); export function start() {}', { kind: 'did not start' }],
    ['an exit at import', 'process.exit(3);', { kind: 'exited', received: "the server's process ended by itself (exit code 3)" }],
    ['an abort', serverThat('process.kill(process.pid, "SIGABRT")'), { kind: 'exited', received: "the server's process ended by itself (signal SIGABRT)" }],
    ['an unhandled rejection', serverThat('Promise.reject(new Error("nobody listens"))'), { kind: 'exited', received: "the server's process died of an uncaught Error: nobody listens" }],
    ['an exception at import', 'throw new TypeError("not so");', { kind: 'does not load', received: 'TypeError: not so' }],
    ['an exception in a call', 'export function start() { throw new Error("broken"); }', { kind: 'wrong behaviour', received: 'it threw Error: broken' }],
    ['a server that says nothing', serverThat('socket.resume()'), { kind: 'silent' }],
    ['a server that resets', serverThat('socket.on("data", () => socket.resetAndDestroy())'), { kind: 'closed early' }],
    ['a loop without end at import', 'for (;;); export function start() {}', { kind: 'blocked' }],
    ['a loop without end in a handler', serverThat('for (;;);'), { kind: 'blocked' }],
    ['microtasks without end', serverThat('const again = () => Promise.resolve().then(again); again();'), { kind: 'blocked' }],
    ['a synchronous wait', serverThat('spawnSync(process.execPath, ["-e", "setInterval(() => {}, 1000)"])', 'import { spawnSync } from "node:child_process";'), { kind: 'blocked' }],
  ];

  test.concurrent.each(cases)('%s', async (_, source, verdict) => {
    const report = await echoVerdict(source);
    if (verdict === undefined) expect(report).toBeUndefined();
    else expect(report).toMatchObject(verdict);
  });
});

describe('what a server does besides does not change the verdict', () => {
  const cases: readonly (readonly [what: string, source: string])[] = [
    ['it prints without end', serverThat(ECHO, 'setInterval(() => process.stdout.write("spam ".repeat(20_000)), 1);')],
    ['it prints one line without end to stderr', serverThat(ECHO, 'setInterval(() => process.stderr.write("x".repeat(100_000)), 1);')],
    ['it ignores signals', serverThat(ECHO, 'for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => {});')],
    ['it closes its output', serverThat(ECHO, 'process.stdout.destroy(); process.stderr.destroy();')],
    ['it replaces process.send', serverThat(ECHO, 'process.send = () => { throw new Error("no"); };')],
    ['it replaces console and timers', serverThat(ECHO, 'globalThis.setTimeout = () => { throw new Error("no"); }; console.log = undefined;')],
    ['it leaves a child running', serverThat(ECHO, 'spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });')],
  ];

  test.concurrent.each(cases)('%s', async (_, source) => {
    expect(await echoVerdict(source)).toBeUndefined();
  });

  test('it lets go of the test process: it has exited', async () => {
    expect(await echoVerdict(serverThat('process.disconnect()'))).toMatchObject({ kind: 'exited' });
  });
});

describe('nothing is left when a subject is killed', () => {
  const CHILD = '["-e", "process.on(\'SIGTERM\', () => {}); setInterval(() => {}, 1000)"]';

  async function pidsOf(source: string): Promise<number[]> {
    return await withSubject(source, async (subject) => {
      const client = new TcpClient(subject, (await subject.call('start', [])) as Address);
      await client.connected();
      await client.until(() => client.received.includes('\n'));
      client.destroy();
      const child = Number(client.received.toString());
      expect(isRunning(child)).toBe(true);
      return [subject.pid as number, child];
    });
  }

  test('neither the process nor its children', async () => {
    const pids = await pidsOf(serverThat(`socket.on('error', () => {}).write(spawn(process.execPath, ${CHILD}, { stdio: 'inherit' }).pid + '\\n')`));
    expect(await untilGone(pids)).toEqual([]);
  });

  test('nor the children of one that has ended by itself', async () => {
    const source = serverThat(`
      const { pid } = spawn(process.execPath, ${CHILD}, { stdio: 'ignore' });
      socket.on('error', () => {}).write(pid + '\\n');
      socket.on('data', () => process.exit(0));`);
    const pids = await withSubject(source, async (subject) => {
      const client = new TcpClient(subject, (await subject.call('start', [])) as Address);
      await client.connected();
      await client.until(() => client.received.includes('\n'));
      client.write('leave');
      const own = subject.pid as number;
      await subject.until(() => subject.exited);
      return [own, Number(client.received.toString())];
    });
    expect(await untilGone(pids)).toEqual([]);
  });
});
