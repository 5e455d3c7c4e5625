/** What tests over HTTP share: one request and its response, and what is said where they are wrong. */
import { count, firstDifference, markBytes } from './bytes.ts';
import { check, CheckFailure } from './failure.ts';
import type { HttpClient, RequestOptions } from './http-client.ts';
import { saysClose } from './http-response.ts';
import type { HttpTestResponse } from './http-response.ts';
import { PATIENCE_MS } from './subject.ts';
import type { Address, TcpClient, TcpClientOptions } from './tcp-client.ts';

/** As much of a world as is needed here, whatever its driver offers. */
export interface HttpWorld {
  http: (address: Address, options?: TcpClientOptions) => Promise<HttpClient>;
  settle: () => Promise<void>;
  subject: { ownMs: () => number };
}

/** The same request with `Connection: close`: one request, one connection. */
export function closing(options: RequestOptions = {}): RequestOptions {
  return { ...options, fields: [...(options.fields ?? []), ['Connection', 'close']] };
}

/** One request on a connection of its own, and its response; the server must then close. */
export async function once(world: HttpWorld, server: Address, method: string, target: string, options: RequestOptions = {}): Promise<HttpTestResponse> {
  return (await exchange(world, server, method, target, options)).response;
}

/** As {@link once}, with the client for what else came. */
export async function exchange(
  world: HttpWorld,
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

/** Asks again and again, in the server's own time, until it is so. */
export async function eventually(world: HttpWorld, question: () => Promise<boolean>, report: { sent: string; received: string; expected: string; likely?: string }, patienceMs = 1500): Promise<void> {
  const startedMs = world.subject.ownMs();
  while (!(await question())) {
    if (world.subject.ownMs() - startedMs >= patienceMs) check(false, { ...report, timed: true });
    await world.settle();
  }
}

/** Whether the connection stays open, as far as can be seen in this many milliseconds of the server's own time. */
export async function staysOpen(client: TcpClient, ms: number): Promise<boolean> {
  try {
    await client.until(() => client.ended || client.closed, { patienceMs: ms });
    return false;
  } catch (error) {
    if (error instanceof CheckFailure && error.report.kind === 'silent') return true;
    throw error;
  }
}
