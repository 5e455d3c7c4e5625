import { describe, expect, test } from 'vitest';

import { GatewayError } from '../../../solutions/05-gateway/index.ts';
import { DisconnectError, asyncValidator, asyncValidatorRules } from '../../../solutions/06-websocket/index.ts';
import type { AsyncApp, AsyncBreach, Receive, Scope, Send } from '../../../solutions/06-websocket/index.ts';

const never = new AbortController().signal;
const request = {
  version: [2, 0], httpVersion: '1.1', rootPath: '', path: '/', rawPath: '/', query: '', headers: [['host', 'a']],
  client: { address: '::1', port: 1 }, server: null, state: {}, signal: never, stopping: never, extensions: {},
};
const http = { ...request, type: 'http', method: 'GET', scheme: 'http' };
const websocket = { ...request, type: 'websocket', scheme: 'ws', subprotocols: ['a'] };
const lifespan = { type: 'lifespan', version: [2, 0], state: {} };

const start = { type: 'http.response.start', status: 200 };
const last = { type: 'http.response.body', body: Buffer.from('ab') };
const part = { ...last, moreBody: true };
const accept = { type: 'websocket.accept' };
const message = { type: 'websocket.send', data: 'a' };
const close = { type: 'websocket.close' };
const deny = { type: 'websocket.http.response.start', status: 404 };

/** Calls an application below the validator with a server that gives these events and takes everything. */
async function watch(scope: unknown, app: AsyncApp, events: readonly unknown[] = [], send: Send = async () => undefined): Promise<string[]> {
  const breaches: AsyncBreach[] = [];
  const left = [...events];
  const receive = (async () => {
    const event = left.shift();
    if (event instanceof Error) throw event;
    return event;
  }) as Receive;
  const watched = asyncValidator(app, { report: (list) => breaches.push(...list) });
  await Promise.resolve(watched(scope as Scope, receive, send)).catch(() => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  return breaches.map(({ rule, side }) => `${rule} ${side}`);
}

/** An application that sends these. */
function sends(...events: readonly unknown[]): AsyncApp {
  return async (_scope, _receive, send) => {
    for (const event of events) await send(event as never).catch(() => undefined);
  };
}

/** A server that refuses as it has to. */
function refusing(rule: string): Send {
  return async () => {
    throw new GatewayError(rule, 'refused');
  };
}

const receives = (times: number, ...events: readonly unknown[]): AsyncApp => async (_scope, receive, send) => {
  for (const event of events) await send(event as never);
  for (let each = 0; each < times; each++) await receive().catch(() => undefined);
};

describe('of an application', () => {
  test.each<[string, unknown, readonly unknown[]]>([
    ['A51', http, [part, start, last]],
    ['A50', http, [start, start, last]],
    ['A52', http, [start, last, last]],
    ['A33', http, [message, start, last]],
    ['A34', http, [null, start, last]],
    ['A34', http, [start, { ...last, body: 'text' }, last]],
    ['A35', http, [{ ...start, headers: [['a b', '']] }, start, last]],
    ['A36', http, [{ ...start, headers: [['a', '\r\n']] }, start, last]],
    ['A37', http, [{ ...start, headers: [['Upgrade', 'x']] }, start, last]],
    ['A38', http, [{ ...start, headers: [['Content-Length', 'x']] }, start, last]],
    ['A55', http, [{ ...start, headers: [['Content-Length', '1']] }, last, { ...last, body: Buffer.from('a') }]],
    ['A56', http, [{ ...start, headers: [['Content-Length', '3']] }, last, { ...last, body: Buffer.from('abc') }]],
    ['A22', http, [{ type: 'http.response.earlyHints', headers: [] }, start, last]],
    ['A75', websocket, [message, accept]],
    ['A76', websocket, [accept, accept]],
    ['A22', websocket, [deny, accept]],
    ['A85', websocket, [accept, close, message]],
    ['A84', websocket, [accept, { ...close, code: 1006 }]],
    ['A72', websocket, [{ ...accept, subprotocol: 'b' }, accept]],
    ['A98', lifespan, [{ type: 'lifespan.shutdown.complete' }]],
  ])('%s is seen, and that the server took it', async (rule, scope, events) => {
    expect(await watch(scope, sends(...events))).toEqual(expect.arrayContaining([`${rule} application`, `${rule} server`]));
    const [seen] = [await watch(scope, sends(...events), [], refusing(rule))];
    expect(seen).toContain(`${rule} application`);
    expect(seen).not.toContain(`${rule} server`);
  });

  test.each<[string, unknown, AsyncApp, readonly unknown[]]>([
    ['A1', http, (() => undefined) as never, []],
    ['A60', http, sends(), []],
    ['A60', http, sends(start), []],
    ['A61', http, sends(start, part), []],
    ['A77', websocket, sends(), []],
    ['A94', lifespan, receives(1), [{ type: 'lifespan.startup' }]],
    ['A31', http, async (_scope, receive, send) => {
      await Promise.all([receive(), receive()]);
      await sends(start, last)(http as never, receive, send);
    }, [{ type: 'http.request', body: Buffer.alloc(0), moreBody: false }]],
    ['A6', http, async (_scope, receive, send) => {
      await sends(start, last)(http as never, receive, send);
      setImmediate(() => void receive());
    }, []],
  ])('%s is seen', async (rule, scope, app, events) => {
    expect(await watch(scope, app, events)).toContain(`${rule} application`);
  });

  test('one that keeps the rules is not told of', async () => {
    const empty = { type: 'http.request', body: Buffer.alloc(0), moreBody: false };
    const gone = { type: 'http.disconnect' };
    expect(await watch({ ...http }, receives(3, start, part, last), [empty, gone, gone])).toEqual([]);
    expect(await watch({ ...http, method: 'HEAD' }, sends(start, part))).toEqual([]);
    const end = { type: 'websocket.disconnect', code: 1000, reason: '' };
    const events = [{ type: 'websocket.connect' }, { type: 'websocket.receive', data: 'a' }, end, end];
    expect(await watch({ ...websocket }, receives(4, { ...accept, subprotocol: 'a' }, message), events)).toEqual([]);
    const denial = { ...websocket, extensions: { 'websocket.http.response': {} } };
    expect(await watch(denial, sends(deny, { type: 'websocket.http.response.body' }))).toEqual([]);
    const life: AsyncApp = async (_scope, receive, send) => {
      await receive();
      await send({ type: 'lifespan.startup.complete' });
      await receive();
      await send({ type: 'lifespan.shutdown.complete' });
    };
    expect(await watch({ ...lifespan }, life, [{ type: 'lifespan.startup' }, { type: 'lifespan.shutdown' }])).toEqual([]);
  });

  test('one whose client has gone may return', async () => {
    expect(await watch(http, sends(start, part), [], async () => {
      throw new DisconnectError();
    })).toEqual([]);
    expect(await watch(http, receives(1), [{ type: 'http.disconnect' }])).toEqual([]);
  });
});

describe('of a server', () => {
  test.each<[string, unknown]>([
    ['A10', Object.freeze({ ...http })],
    ['A10', null],
    ['A11', { ...http, method: undefined }],
    ['A11', { ...http, httpVersion: '2' }],
    ['A12', { ...http, version: [1, 0] }],
    ['A13', { ...http, headers: [['Host', 'a']] }],
    ['A15', { ...http, rawPath: '/b' }],
    ['A15', { ...http, rootPath: '/a/' }],
    ['A16', { ...http, query: '?a' }],
    ['A17', { ...http, client: 'a' }],
    ['A18', { ...websocket, scheme: 'http' }],
    ['A19', { ...http, signal: null }],
    ['A20', { ...http, stopping: undefined }],
    ['A21', { ...lifespan, state: null }],
    ['A23', { ...websocket, subprotocols: 'a' }],
    ['A24', { ...http, user: 'me' }],
  ])('%s is seen in a scope', async (rule, scope) => {
    expect(await watch(scope, sends(start, last))).toContain(`${rule} server`);
  });

  const body = (text: string, moreBody: boolean): object => ({ type: 'http.request', body: Buffer.from(text), moreBody });
  const ended = { type: 'websocket.disconnect', code: 1000, reason: '' };
  test.each<[string, unknown, readonly unknown[], readonly unknown[]]>([
    ['A40', http, [start, last], [body('', false), body('a', false)]],
    ['A40', http, [start, last], [{ type: 'http.request', body: 'text', moreBody: false }]],
    ['A41', http, [start, last], [{ type: 'http.disconnect' }, body('', false)]],
    ['A42', http, [start, last], [new Error('broken')]],
    ['A42', http, [start, last], [Object.assign(new Error(), { status: 400 }), body('', false)]],
    ['A70', websocket, [accept], [ended]],
    ['A70', websocket, [accept], [{ type: 'websocket.connect' }, { type: 'websocket.connect' }]],
    ['A80', websocket, [accept], [{ type: 'websocket.connect' }, { type: 'websocket.receive', data: 1 }]],
    ['A81', websocket, [accept], [{ type: 'websocket.connect' }, { type: 'websocket.disconnect' }]],
    ['A81', websocket, [accept], [{ type: 'websocket.connect' }, ended, { type: 'websocket.receive', data: 'a' }]],
    ['A90', lifespan, [], [{ type: 'lifespan.shutdown' }]],
    ['A96', lifespan, [], [{ type: 'lifespan.startup' }, { type: 'lifespan.shutdown' }]],
    ['A96', lifespan, [{ type: 'lifespan.startup.complete' }], [{ type: 'lifespan.startup' }, { type: 'lifespan.shutdown' }, { type: 'lifespan.shutdown' }]],
  ])('%s is seen in what it gives', async (rule, scope, sent, events) => {
    expect(await watch({ ...(scope as object) }, receives(events.length, ...sent), events)).toContain(`${rule} server`);
  });

  test.each<[string, Send]>([
    ['A30', (() => undefined) as never],
    ['A32', (() => {
      throw new GatewayError('A50', 'thrown');
    }) as never],
    ['A32', refusing('A50')],
    ['A58', async () => {
      throw new Error('EPIPE');
    }],
  ])('%s is seen in how it takes', async (rule, send) => {
    expect(await watch(http, sends(start, last), [], send)).toContain(`${rule} server`);
  });

  test('A58 is seen where it takes what cannot arrive', async () => {
    const app: AsyncApp = async (_scope, receive, send) => {
      await receive();
      await send(start as never);
    };
    expect(await watch(http, app, [{ type: 'http.disconnect' }])).toEqual(['A58 server']);
  });
});

test('every rule of the table is tried here', async () => {
  const { readFileSync } = await import('node:fs');
  const text = readFileSync(import.meta.filename, 'utf8');
  const untried = Object.keys(asyncValidatorRules).filter((rule) => !text.includes(`'${rule}'`) && !text.includes(`'${rule} `) && !text.includes(`${rule} server`));
  expect(untried).toEqual([]);
  const spec = readFileSync(new URL('../../../docs/gateway-spec.md', import.meta.url), 'utf8');
  expect(Object.keys(asyncValidatorRules).filter((rule) => !spec.includes(`**${rule}.**`))).toEqual([]);
});
