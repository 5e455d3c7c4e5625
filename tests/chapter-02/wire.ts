/** What the tests over the wire share. */
import { count, firstDifference, markBytes, showBytes } from '#support/bytes.ts';
import type { World } from '#support/exercise.ts';
import { check, CheckFailure } from '#support/failure.ts';
import type { HttpClient, RequestOptions } from '#support/http-client.ts';
import { saysClose } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address, TcpClient } from '#support/tcp-client.ts';
import { PATIENCE_MS } from '#support/subject.ts';
import type driver from './driver.ts';
import type { Call } from './driver.ts';

export type TestWorld = World<typeof driver>;

/** How long a timeout of a tenth of a second may take: a server may look at its clock once a second. */
export const TIMEOUT_PATIENCE_MS = 2500;

/** So many milliseconds from now the day, the hour, the minute and the second have one digit each: padding shows. */
export function msUntilOneDigitEach(): number {
  return Date.UTC(new Date().getUTCFullYear() + 1, 1, 3, 4, 5, 6) - Date.now();
}

/** The same request with `Connection: close`: one request, one connection. */
export function closing(options: RequestOptions = {}): RequestOptions {
  return { ...options, fields: [...(options.fields ?? []), ['Connection', 'close']] };
}

/** One request on a connection of its own, and its response; the server must then close. */
export async function once(world: TestWorld, server: Address, method: string, target: string, options: RequestOptions = {}): Promise<HttpTestResponse> {
  return (await exchange(world, server, method, target, options)).response;
}

/** As {@link once}, with the client for what else came. */
export async function exchange(
  world: TestWorld,
  server: Address,
  method: string,
  target: string,
  options: RequestOptions = {},
): Promise<{ response: HttpTestResponse; http: HttpClient }> {
  const http = await world.http(server);
  http.send(method, target, closing(options));
  const responses = await http.responsesToEnd();
  return { response: theOnly(responses, http.tcp), http };
}

/** The one response that there must be. */
export function theOnly(responses: readonly HttpTestResponse[], tcp: TcpClient): HttpTestResponse {
  const [response] = responses;
  check(response !== undefined && responses.length === 1, {
    sent: tcp.describeSent(),
    received: responses.length === 0 ? tcp.describe() : `${responses.length} responses: ${responses.map(({ status }) => status).join(', ')}`,
    expected: 'one response',
  });
  return response;
}

/** Waits until the connection is over, by FIN or by RST, whatever came on it. */
export async function over(client: TcpClient, expected = 'the connection is closed', patienceMs = PATIENCE_MS): Promise<void> {
  await client.until(() => client.ended || client.closed, { expected, patienceMs });
}

/** `200 with 12 bytes (length), close`. */
export function showResponse(response: HttpTestResponse): string {
  return `${response.status} with ${count(response.body.length, 'byte')} (${response.framing})${saysClose(response) ? ', Connection: close' : ''}`;
}

export function expectStatus(response: HttpTestResponse, status: number | readonly number[], sent: string): void {
  const allowed = typeof status === 'number' ? [status] : status;
  check(allowed.includes(response.status), { sent, received: showResponse(response), expected: `status ${allowed.join(' or ')}` });
}

export function expectBody(response: HttpTestResponse, body: Uint8Array | string, sent: string): void {
  const wanted = Buffer.from(body as string);
  const at = firstDifference(response.body, wanted);
  if (at === undefined) return;
  const { text, mark } = markBytes(response.body, at);
  throw new CheckFailure({
    kind: 'wrong bytes',
    sent,
    received: text === '' ? 'an empty body' : text,
    mark,
    expected: `${markBytes(wanted, at).text} (${count(wanted.length, 'byte')}; byte ${at + 1} is the first that differs, ${count(response.body.length, 'byte')} came)`,
  });
}

/** What a handler that `tells` saw. */
export function told(response: HttpTestResponse): Call & { host: string } {
  try {
    return JSON.parse(response.body.toString('utf8')) as Call & { host: string };
  } catch {
    throw new CheckFailure({ kind: 'wrong bytes', received: showBytes(response.body), expected: "the handler's body: what it saw, in JSON" });
  }
}

/** Asks again and again, in the server's own time, until it is so. */
export async function eventually(world: TestWorld, question: () => Promise<boolean>, report: { sent: string; received: string; expected: string; likely?: string }, patienceMs = 1500): Promise<void> {
  const started = performance.now();
  while (!(await question())) {
    check(performance.now() - started < patienceMs, report);
    await world.settle();
  }
}

/** Whether the connection stays open, as far as can be seen in so many milliseconds of the server's own time. */
export async function staysOpen(client: TcpClient, ms: number): Promise<boolean> {
  try {
    await client.until(() => client.ended || client.closed, { patienceMs: ms });
    return false;
  } catch (error) {
    if (error instanceof CheckFailure && error.report.kind === 'silent') return true;
    throw error;
  }
}
