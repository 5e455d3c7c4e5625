/** What the tests of chapter 05 share on the wire. */
import { check } from '#support/failure.ts';
import type { HttpClient, RequestOptions } from '#support/http-client.ts';
import { expectStatus, once } from '#support/http-exchange.ts';
import type { HttpWorld } from '#support/http-exchange.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address, TcpClient } from '#support/tcp-client.ts';
import { SECRET } from './apps.ts';
import type { TellsEnviron } from './driver.ts';

/** A path with its query. */
export function target(path: string, query: Record<string, string | number> = {}, parts: readonly string[] = []): string {
  const all = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) all.append(name, String(value));
  for (const part of parts) all.append('part', part);
  return all.size === 0 ? path : `${path}?${all.toString()}`;
}

/** The environ that is made of a request. */
export async function environFor(world: HttpWorld, server: Address, method: string, path: string, options: RequestOptions = {}): Promise<TellsEnviron> {
  const response = await once(world, server, method, path, options);
  expectStatus(response, 200, `${method} ${path}`);
  return tellsOf(response);
}

export function tellsOf(response: HttpTestResponse): TellsEnviron {
  return JSON.parse(response.body.toString('utf8')) as TellsEnviron;
}

/** A value as a report shows it. */
export function show(value: unknown): string {
  return value === undefined ? 'no such key' : JSON.stringify(value);
}

/** Checks some of an environ's keys; `undefined` for one that must not be there. */
export function expectKeys({ values }: Pick<TellsEnviron, 'values'>, expected: Record<string, unknown>, sent: string): void {
  for (const [key, value] of Object.entries(expected)) {
    const found = key in values ? values[key] : undefined;
    check(JSON.stringify(found) === JSON.stringify(value), { sent, received: `${key}: ${show(found)}`, expected: `${key}: ${show(value)}` });
  }
}

/** The connection ends before the response that began on it is complete. */
export async function expectCut(http: HttpClient, begins: string, likely: string): Promise<void> {
  const { tcp } = http;
  await tcp.until(() => tcp.ended || tcp.closed, { expected: 'the connection is closed, and the response is incomplete', likely });
  const text = tcp.received.toString('latin1');
  const report = { sent: tcp.describeSent(), received: tcp.describe(), expected: `a response that begins with ${JSON.stringify(begins)} and breaks off`, likely };
  check(text.includes(begins), report);
  check(!/\r\n0\r\n(?:.*\r\n)*\r\n$/.test(text), { ...report, received: `${tcp.describe()}: with the last chunk it looks complete` });
}

export function expectNoSecret(tcp: TcpClient): void {
  const seen = tcp.received.toString('latin1').includes(SECRET);
  check(!seen, { sent: tcp.describeSent(), received: `the message of the error: ${SECRET}`, expected: 'nothing of an error reaches the client' });
}
