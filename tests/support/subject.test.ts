/** The more expensive half (loops, floods, children) is in subject.whole.test.ts. */
import { describe, expect, test } from 'vitest';
import { echoVerdict, serverThat, withSubject } from '#support/fixtures/evil.ts';
import { CheckFailure } from '#support/failure.ts';
import type { FailureReport } from '#support/failure.ts';
import { TcpClient } from '#support/tcp-client.ts';
import type { Address } from '#support/tcp-client.ts';

const ECHO = 'socket.on("data", (bytes) => socket.write(bytes)).on("error", () => {});';

describe('the ways to be silent are told apart', () => {
  const cases: readonly (readonly [what: string, source: string, verdict: Partial<FailureReport> | undefined])[] = [
    ['an echo server', serverThat(ECHO), undefined],
    ['an exit in a handler', serverThat('process.exit(4)'), { kind: 'exited', received: "the server's process ended by itself (exit code 4)" }],
    ['an uncaught exception', serverThat('throw new RangeError("too far")'), { kind: 'exited', received: "the server's process died of an uncaught RangeError: too far" }],
    ['a syntax error', 'export function start( {', { kind: 'does not load' }],
    ['an export that is missing', 'export const begin = 1;', { kind: 'does not load', received: '01-evil/index.ts does not export start' }],
    ['a server that closes', serverThat('socket.resume(); socket.end()'), { kind: 'closed early' }],
    ['a server that answers something else', serverThat('socket.on("data", () => socket.write("help!"))'), { kind: 'wrong bytes', mark: '   ^' }],
  ];

  test.concurrent.each(cases)('%s', async (_, source, verdict) => {
    const report = await echoVerdict(source);
    if (verdict === undefined) expect(report).toBeUndefined();
    else expect(report).toMatchObject(verdict);
  });
});

test('a refused connection is the death of the server where it has died', async () => {
  await withSubject(serverThat('throw new Error("one was enough")'), async (subject) => {
    const address = (await subject.call('start', [])) as Address;
    const first = await new TcpClient(subject, address).connected();
    await subject.until(() => subject.exited);
    first.destroy();
    await expect(new TcpClient(subject, address).connected()).rejects.toMatchObject({
      report: { kind: 'exited', received: "the server's process died of an uncaught Error: one was enough" },
    });
  });
});

describe('a failure tells what a person needs', () => {
  test('the last lines that the server printed, and the place in its files', async () => {
    const report = await echoVerdict(serverThat('console.error("about to fall"); throw new Error("fell");'));
    expect(report).toMatchObject({ kind: 'exited', at: expect.stringMatching(/01-evil[\\/]index\.ts:\d+$/) as string });
    expect(report?.lastLines?.join('\n')).toContain('about to fall');
  });

  test('the exercise that a starter names', async () => {
    const starter = 'class NotImplemented extends Error { name = "NotImplemented"; exercise = "1.4"; }';
    expect(await echoVerdict(`${starter} export function start() { throw new NotImplemented("not yet"); }`)).toMatchObject({
      kind: 'not started',
      notImplemented: '1.4',
    });
    expect(await echoVerdict(serverThat('throw new NotImplemented("not yet");', starter))).toMatchObject({
      kind: 'not started',
      notImplemented: '1.4',
    });
  });

  test('a module that is missing', async () => {
    expect(await echoVerdict('import "./nowhere.ts";')).toMatchObject({
      kind: 'does not load',
      received: expect.stringMatching(/nowhere\.ts is missing$/) as string,
    });
  });

  test('syntax that Node does not strip', async () => {
    expect(await echoVerdict('export enum Colour { red } export function start() {}')).toMatchObject({
      kind: 'does not load',
      likely: expect.stringMatching(/enums/) as string,
    });
  });
});

test('a call that fails keeps the error itself', async () => {
  const source = 'export function start() { throw Object.assign(new Error("taken"), { code: "EADDRINUSE" }); }';
  await withSubject(source, async (subject) => {
    await expect(subject.call('start', [])).rejects.toThrow(CheckFailure);
    await expect(subject.call('start', [])).rejects.toMatchObject({ error: { name: 'Error', code: 'EADDRINUSE' } });
  });
});
