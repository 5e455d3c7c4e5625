/** What the tests of chapter 03 share. */
import { spawnSync } from 'node:child_process';
import { count } from '#support/bytes.ts';
import type { World } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type { HttpClient, RequestOptions } from '#support/http-client.ts';
import { eventually, expectBody, expectStatus, once, staysOpen } from '#support/http-exchange.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address, TcpClient } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import type { Outcome } from './driver.ts';

export { closing, eventually, exchange, expectBody, expectStatus, once, over, showResponse, staysOpen, theOnly } from '#support/http-exchange.ts';

export type TestWorld = World<typeof driver>;

/** Why a rule that looks at a process through /proc is not run here. */
export const NEEDS_PROC = process.platform === 'linux' ? undefined : 'needs /proc: Linux only';

/** Why a rule that takes away a process's descriptors is not run here. */
export const NEEDS_PRLIMIT = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0 ? undefined : 'needs prlimit: Linux only';

/** Why a rule about symbolic links is not run here. */
export const NEEDS_LINKS = process.platform === 'win32' ? 'symbolic links need a right of their own on Windows' : undefined;

/** What a function returned, threw, or refused. */
export function showOutcome(outcome: Outcome<unknown>): string {
  if ('accepted' in outcome) return JSON.stringify(outcome.accepted) ?? 'undefined';
  return 'refused' in outcome ? `an HttpError with status ${outcome.refused}` : `an error that is not an HttpError: ${outcome.threw}`;
}

/** As long as the answer to a request may be beside the file. */
const HEAD_BYTES = 64 * 1024;

/** Waits until the server gives nothing more to a client that does not read, because it waits for room. */
export async function untilStalled(world: TestWorld, client: TcpClient, report: { sent: string }): Promise<void> {
  for (let rounds = 0, before = -1; rounds < 100; rounds++) {
    const { readBytes, residentBytes } = await world.call('consumption');
    check(residentBytes < RESIDENT_BYTES_MAX, {
      ...report,
      received: `a process of ${count(residentBytes, 'byte')}, while the client reads nothing`,
      expected: 'no more is read of a file than the client takes: a few hundred kilobytes at a time',
    });
    if (before >= 0 && readBytes - before < HEAD_BYTES) return;
    before = readBytes;
    await staysOpen(client, 150);
  }
}

/** A process with Node, the chapter and some buffers is far below this, one with a file of a gibibyte far above. */
const RESIDENT_BYTES_MAX = 400 << 20;

/** Waits for the first response of a connection, a large one, without looking at each of its pieces; then takes it apart. */
export async function download(http: HttpClient, bytes: number): Promise<HttpTestResponse> {
  await http.tcp.until(() => http.tcp.receivedBytes >= bytes || http.tcp.ended || http.tcp.closed, { expected: `a response with ${count(bytes, 'byte')}` });
  return await http.response();
}

/** Waits until the server has no file below a directory open. */
export async function expectFilesClosed(world: TestWorld, directory: string, sent: string, { patienceMs = 1500, likely }: { patienceMs?: number; likely?: string | undefined } = {}): Promise<void> {
  let open: string[] = [];
  const closed = async (): Promise<boolean> => {
    open = await world.call('openFiles', directory);
    return open.length === 0;
  };
  const report = {
    sent,
    get received(): string {
      return `${count(open.length, 'descriptor')} still open: ${[...new Set(open)].slice(0, 3).join(', ')}`;
    },
    expected: 'every file is closed again',
    ...(likely === undefined ? {} : { likely }),
  };
  await eventually(world, closed, report, patienceMs);
}

/** Asks for a file and expects all of it. */
export async function expectFile(world: TestWorld, server: Address, target: string, content: Uint8Array | string, options: RequestOptions = {}): Promise<HttpTestResponse> {
  const response = await once(world, server, 'GET', target, options);
  expectStatus(response, 200, `GET ${target}`);
  expectBody(response, content, `GET ${target}`);
  return response;
}
