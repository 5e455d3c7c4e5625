/** A33: a name that every JavaScript object inherits is not an event of any scope. */

import { describe, expect, test } from 'vitest';

import { belongsTo, httpTable, lifespanTable, nextState, websocketTable } from '../../../solutions/06-websocket/exchange-states.ts';
import type { SentEvent } from '../../../solutions/06-websocket/index.ts';
import { exchange, rejection, ruleOf, serve } from './async-support.ts';

const NAMES = Object.getOwnPropertyNames(Object.prototype);

describe.each(NAMES)('%s', (name) => {
  const type = name as SentEvent['type'];

  test('leads nowhere, in whatever state', () => {
    for (const state of Object.keys(httpTable)) expect(refused(() => nextState('http', httpTable, state as 'waiting', type))).toBe('A33');
    for (const state of Object.keys(websocketTable)) expect(refused(() => nextState('websocket', websocketTable, state as 'open', type))).toBe('A33');
    for (const state of Object.keys(lifespanTable)) expect(refused(() => nextState('lifespan', lifespanTable, state as 'ended', type))).toBe('A33');
    expect(belongsTo(name, 'http.response.start')).toBe(false);
    expect(belongsTo('http', name)).toBe(false);
  });
});

test('an application that sends them is told, and answers all the same', async () => {
  const outcomes: string[] = [];
  await using served = await serve(async (scope, receive, send) => {
    await receive();
    for (const name of NAMES) outcomes.push(await rejection(send({ type: name } as unknown as SentEvent)));
    if (scope.type === 'lifespan') await send({ type: 'lifespan.startup.complete' });
    else {
      await send({ type: 'http.response.start', status: 204 });
      await send({ type: 'http.response.body' });
    }
  });
  expect(await exchange(served.port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 204 /);
  expect(new Set(outcomes)).toEqual(new Set(['A33']));
  expect(outcomes).toHaveLength(2 * NAMES.length);
});

function refused(act: () => unknown): string {
  try {
    return `took it, to ${String(act())}`;
  } catch (error) {
    return ruleOf(error);
  }
}
