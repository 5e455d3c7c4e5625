/**
 * The application of most rules, once as an asynchronous one with everything, and small ones of the other kinds. It says
 * who it is, and does to its worker what the target says. How long it takes is up to the client: `/hold` and `/late`
 * answer when the request's body is there, all of it.
 */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { GatewayApp } from '#subject/05-gateway/index.ts';
import type { AsyncApp, HttpScope, Receive, Send, WebSocketScope } from '#subject/06-websocket/index.ts';

/** The longest that anything here lasts by itself, in milliseconds: nothing outlives a test for long. */
const LONGEST_MS = 120_000;

const text: readonly [string, string][] = [['content-type', 'text/plain']];

/** What the fixture does besides answering. */
export interface FixtureOptions {
  /** A file in which it writes a line for each event of its lifespan. */
  diary?: string;
  /** Its startup fails with this message. */
  startupFails?: string;
  /** A moment after its startup it ends its process with this code. */
  exitsWhenStarted?: number;
}

const cell = new Int32Array(new SharedArrayBuffer(4));

/**
 * Blocks the event loop, and leaves the processor to others while it does. Named so that it is found in a stack: between
 * two naps it can be paused.
 */
export function theBottomlessLoop(ms: number): void {
  const startedMs = performance.now();
  while (performance.now() - startedMs < ms) Atomics.wait(cell, 0, 0, Math.min(5, ms));
}

const kept: unknown[] = [];
const PIECES = 6;

/** Takes memory, in pieces so that the loop can turn. */
async function grow(mib: number): Promise<void> {
  for (let piece = 0; piece < PIECES; piece++) {
    kept.push(Buffer.alloc(Math.ceil(mib / PIECES) * 1024 * 1024, 1));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export function fixture(mark: string, options: FixtureOptions = {}): AsyncApp {
  const who = JSON.stringify({ pid: process.pid, mark });
  const note = (event: string): void => {
    if (options.diary !== undefined) appendFileSync(options.diary, `${event} ${process.pid}\n`);
  };

  async function onHttp(scope: HttpScope, receive: Receive, send: Send): Promise<void> {
    const query = new URLSearchParams(scope.query);
    const number = (name: string, otherwise: number): number => Number(query.get(name) ?? otherwise);
    const start = async (headers = text): Promise<void> => await send({ type: 'http.response.start', status: 200, headers });
    const part = async (body: string, moreBody = true): Promise<void> => await send({ type: 'http.response.body', body: Buffer.from(body), moreBody });
    const reply = async (): Promise<void> => {
      await start();
      await part(`${who}\n`, false);
    };
    switch (scope.path.replace(/^(\/deaf)\/.*/, '$1')) {
      case '/hold':
        await start();
        await part(`${who}\n`);
        await wholeBody(receive);
        await part('over\n', false);
        return;
      case '/late':
        await wholeBody(receive);
        return await reply();
      case '/deaf':
        // It does not even notice that the client has gone.
        await new Promise((resolve) => setTimeout(resolve, LONGEST_MS).unref());
        return await reply();
      case '/block':
        // Nothing else happens between this and the loop.
        if (query.has('note')) appendFileSync(query.get('note')!, `${process.pid}\n`);
        theBottomlessLoop(Math.min(LONGEST_MS, number('ms', LONGEST_MS)));
        return await reply();
      case '/busy': {
        // The loop turns, but there is hardly any time left in a turn.
        const startedMs = performance.now();
        while (performance.now() - startedMs < number('ms', 1000)) {
          theBottomlessLoop(number('slice', 40));
          await new Promise((resolve) => setImmediate(resolve));
        }
        return await reply();
      }
      case '/sluggish': {
        // From now on the loop stands still for a part of each moment.
        setInterval(() => theBottomlessLoop(number('stands', 150)), number('every', 200));
        return await reply();
      }
      case '/exit':
        process.exit(number('code', 9));
        return;
      case '/stranger': {
        // The shell in the middle ends at once: what it has started loses its parent.
        const shell = spawn('sh', ['-c', `sh -c 'exit ${number('code', 7)}' &`], { stdio: 'ignore' });
        await new Promise((resolve) => shell.once('close', resolve));
        return await reply();
      }
      case '/exit-after':
        setTimeout(() => process.exit(number('code', 9)), number('ms', 0));
        return await reply();
      case '/throw':
        setTimeout(() => {
          throw new Error('the lamp is broken');
        });
        return await reply();
      case '/grow':
        await grow(number('mib', 1));
        return await reply();
      case '/peak':
        await grow(number('mib', 1));
        await new Promise((resolve) => setTimeout(resolve, number('ms', 100)));
        kept.length = 0;
        collectGarbage();
        return await reply();
      case '/memory':
        await start();
        return await part(`${process.memoryUsage.rss()}\n`, false);
      case '/events': {
        await start([['content-type', 'text/event-stream']]);
        await part(`data: ${who}\n\n`);
        const { promise, resolve } = Promise.withResolvers<void>();
        scope.stopping.addEventListener('abort', () => resolve());
        if (scope.stopping.aborted) resolve();
        const timer = setInterval(() => void part('data: more\n\n').catch(() => resolve()), 20);
        await promise;
        clearInterval(timer);
        return await part('event: last\ndata: goodbye\n\n', false);
      }
      default:
        return await reply();
    }
  }

  async function onWebSocket(_scope: WebSocketScope, receive: Receive, send: Send): Promise<void> {
    await receive();
    await send({ type: 'websocket.accept' });
    await send({ type: 'websocket.send', data: who });
    for (;;) {
      const event = await receive();
      if (event.type === 'websocket.receive') await send({ type: 'websocket.send', data: event.data });
      if (event.type === 'websocket.disconnect') return;
    }
  }

  return async (scope, receive, send) => {
    if (scope.type === 'http') return await onHttp(scope, receive, send);
    if (scope.type === 'websocket') return await onWebSocket(scope, receive, send);
    for (;;) {
      const event = await receive();
      if (event.type === 'lifespan.startup' && options.startupFails !== undefined) {
        await send({ type: 'lifespan.startup.failed', message: options.startupFails });
        return;
      }
      note(event.type);
      if (event.type === 'lifespan.startup') await send({ type: 'lifespan.startup.complete' });
      if (event.type === 'lifespan.startup' && options.exitsWhenStarted !== undefined) setTimeout(() => process.exit(options.exitsWhenStarted), 50);
      if (event.type !== 'lifespan.shutdown') continue;
      await send({ type: 'lifespan.shutdown.complete' });
      return;
    }
  };
}

async function wholeBody(receive: Receive): Promise<void> {
  for (;;) {
    const event = await receive();
    if (event.type !== 'http.request' || !event.moreBody) return;
  }
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

const who = (): string => `${JSON.stringify({ pid: process.pid, mark: 'one' })}\n`;

export const asyncFixture: AsyncApp = fixture('one');

export const gatewayFixture: GatewayApp = (_environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [Buffer.from(who())];
};

export function nodeFixture(_request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Content-Type', 'text/plain');
  response.end(who());
}

export const fetchFixture = (_request: Request): Response => new Response(who());
