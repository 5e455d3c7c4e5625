/** What the tests of 5.4, 5.5 and 5.7 share: requests and their answers. */
import type { World } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type { RequestOptions } from '#support/http-client.ts';
import { showResponse } from '#support/http-exchange.ts';
import { fieldTokens } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address } from '#support/tcp-client.ts';
import type driver from './driver.ts';

export { expectBody, expectStatus, showResponse } from '#support/http-exchange.ts';
export { fieldTokens, fieldValue, fieldValues } from '#support/http-response.ts';

export type TestWorld = World<typeof driver>;

/** A short form of a request, for reports. */
export interface Asked extends RequestOptions {
  method?: string;
  target: string;
}

/** Sends the requests one after another on one connection, as many at a time as a pipeline takes. */
export async function askAll(world: TestWorld, server: Address, asked: readonly Asked[]): Promise<HttpTestResponse[]> {
  const responses: HttpTestResponse[] = [];
  for (let at = 0; at < asked.length; at += 16) {
    const http = await world.http(server);
    const some = asked.slice(at, at + 16);
    for (const { method = 'GET', target, ...options } of some) http.send(method, target, options);
    for (const _ of some) responses.push(await http.response());
    http.tcp.end();
  }
  return responses;
}

export async function ask(world: TestWorld, server: Address, target: string, options: Omit<Asked, 'target'> = {}): Promise<HttpTestResponse> {
  const [response] = await askAll(world, server, [{ target, ...options }]);
  return response!;
}

export function showAsked({ method = 'GET', target, fields = [] }: Asked): string {
  return [`${method} ${target}`, ...fields.map(([name, value]) => `${name}: ${value}`)].join(', ');
}

/** A status and the beginning of the body, if there is one, on one line. */
export function showAnswer(response: HttpTestResponse): string {
  const text = response.body.toString().replace(/\s+/g, ' ').slice(0, 120);
  return text === '' ? showResponse(response) : `${response.status}: ${text}`;
}

/** The members of Allow, in capitals. */
export function allowOf(response: HttpTestResponse): string[] {
  return fieldTokens(response, 'Allow').map((method) => method.toUpperCase()).sort();
}

/** Checks that the values are the same, member by member. */
export function checkSame(received: unknown, expected: unknown, sent: string, likely?: string): void {
  const [got, wanted] = [JSON.stringify(received), JSON.stringify(expected)];
  check(got === wanted, { sent, received: String(got), expected: String(wanted), ...(likely === undefined ? {} : { likely }) });
}

/** Asks the process under test for a value again and again, until it is right. */
export async function untilSo<T>(world: TestWorld, question: () => Promise<T>, isSo: (value: T) => boolean, report: { sent: string; show: (value: T) => string; expected: string; likely?: string }): Promise<T> {
  const startedMs = world.subject.ownMs();
  for (;;) {
    const value = await question();
    if (isSo(value)) return value;
    const { sent, show, expected, likely } = report;
    check(world.subject.ownMs() - startedMs < 8_000, { sent, received: show(value), expected, timed: true, ...(likely === undefined ? {} : { likely }) });
    await world.settle();
  }
}
