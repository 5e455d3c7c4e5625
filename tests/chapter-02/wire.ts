/** What the tests over the wire share. */
import { showBytes } from '#support/bytes.ts';
import type { World } from '#support/exercise.ts';
import { check, CheckFailure } from '#support/failure.ts';
import { requestBytes } from '#support/http-client.ts';
import type { HttpClient } from '#support/http-client.ts';
import { closing, expectBody, expectStatus, once, over, showResponse } from '#support/http-exchange.ts';
import { readResponse, saysClose } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type driver from './driver.ts';
import type { Answer, Call, ServeSetup } from './driver.ts';

export { closing, eventually, exchange, expectBody, expectStatus, once, over, showResponse, staysOpen, theOnly } from '#support/http-exchange.ts';

export type TestWorld = World<typeof driver>;

/** How long a timeout of a tenth of a second may take: a server may check its clock only once a second. */
export const TIMEOUT_PATIENCE_MS = 2500;

/** How far off a time is whose day, hour, minute and second have one digit each, so that padding shows. */
export function msUntilOneDigitEach(): number {
  return Date.UTC(new Date().getUTCFullYear() + 1, 1, 3, 4, 5, 6) - Date.now();
}

/** What a handler that `tells` saw. */
export function told(response: HttpTestResponse): Call & { host: string } {
  try {
    return JSON.parse(response.body.toString('utf8')) as Call & { host: string };
  } catch {
    throw new CheckFailure({ kind: 'wrong bytes', received: showBytes(response.body), expected: "the handler's body: what it saw, in JSON" });
  }
}

/**
 * Sends one request for an answer that cannot be sent as it is, and returns all
 * that came. A 500 and a closed connection are both right and are not judged here.
 */
export async function badAnswer(world: TestWorld, sent: string, answer: Answer): Promise<BadAnswer> {
  try {
    return await answerBadly(world, answer);
  } catch (error) {
    // The reader of responses does not know what was asked.
    if (error instanceof CheckFailure && error.report.sent === undefined) throw new CheckFailure({ ...error.report, sent });
    throw error;
  }
}

interface BadAnswer {
  received: Buffer;
  response: HttpTestResponse | undefined;
  describe: string;
}

async function answerBadly(world: TestWorld, answer: Answer): Promise<BadAnswer> {
  const method = 'GET';
  const server = await world.call('serve', { routes: { '/bad': answer } });
  const client = await world.connect(server);
  client.write(requestBytes(method, '/bad', closing()));
  await over(client, 'an answer, or nothing, and then the end of the connection');
  let response: HttpTestResponse | undefined;
  if (client.receivedBytes > 0) {
    const found = readResponse(client.received, 0, method, client.ended);
    if (!('incomplete' in found)) response = found;
  }
  const after = await once(world, server, 'GET', '/good');
  expectStatus(after, 200, 'a good request after the bad answer');
  return { received: client.received, response, describe: client.describe() };
}

/** Asks for `/n` and expects `this is /n`. */
export async function askAndCheck(http: HttpClient, target: string): Promise<HttpTestResponse> {
  http.send('GET', target);
  const response = await http.response();
  expectStatus(response, 200, http.tcp.describeSent());
  expectBody(response, `this is ${target}`, http.tcp.describeSent());
  return response;
}

/** Fails unless the server says close in this response and then closes. */
export async function expectClose(http: HttpClient, response: HttpTestResponse, why: string): Promise<void> {
  await http.tcp.readToEnd({ expected: `the connection is closed: ${why}` });
  check(saysClose(response), { sent: http.tcp.describeSent(), received: showResponse(response), expected: `Connection: close: ${why}` });
  check(http.leftOver.length === 0, { kind: 'wrong bytes', sent: http.tcp.describeSent(), received: http.tcp.describe(), expected: 'nothing after the last response' });
}

export async function targetsOf(world: TestWorld): Promise<string[]> {
  return (await world.call('calls')).map(({ method, target }) => `${method} ${target}`);
}

/** The body of a whole response to a GET, however it is framed; `null` if it is not complete. */
export function bodyOf(wire: string): string | null {
  const response = readResponse(Buffer.from(wire, 'latin1'), 0, 'GET', true);
  return 'incomplete' in response ? null : response.body.toString('latin1');
}

/** Reads every body to its end. */
export const READER: ServeSetup = { otherwise: { reads: 'parts', body: 'ok' } };
