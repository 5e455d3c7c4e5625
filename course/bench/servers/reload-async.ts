/** The ledger's application for chapter 07: what a careful application does on chapter 06's interface. */

import { setTimeout as wait } from 'node:timers/promises';

import { byScope } from '../../../solutions/06-websocket/index.ts';
import type { HeaderPair } from '../../../solutions/02-http/index.ts';
import type { HttpApp, WebSocketApp } from '../../../solutions/06-websocket/index.ts';
import { answer, EVENT, EVENT_EVERY_MS } from './reload-answer.ts';

const worker: HeaderPair = ['X-Worker', String(process.pid)];
const event = Buffer.from(EVENT);

const http: HttpApp = async (scope, _receive, send) => {
  if (scope.path === '/events') {
    await send({ type: 'http.response.start', status: 200, headers: [worker, ['Content-Type', 'text/event-stream']] });
    while (!scope.stopping.aborted && !scope.signal.aborted) {
      await send({ type: 'http.response.body', body: event, moreBody: true });
      await wait(EVENT_EVERY_MS, undefined, { signal: AbortSignal.any([scope.stopping, scope.signal]) }).catch(() => undefined);
    }
    return await send({ type: 'http.response.body', body: Buffer.alloc(0) });
  }
  const { body, ms } = answer(`${scope.path}?${scope.query}`);
  if (ms > 0) await wait(ms);
  await send({ type: 'http.response.start', status: 200, headers: [worker, ['Content-Length', String(body.length)]] });
  await send({ type: 'http.response.body', body: Buffer.from(body, 'latin1') });
};

const websocket: WebSocketApp = async (_scope, receive, send) => {
  await receive();
  await send({ type: 'websocket.accept', headers: [worker] });
  for (let received = await receive(); received.type === 'websocket.receive'; received = await receive()) {
    await send({ type: 'websocket.send', data: received.data });
  }
};

export const app = byScope({ http, websocket });
