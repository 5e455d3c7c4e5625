/** What a `node:http` handler observes is what it observes on node: each handler runs on both. */

import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { describe, expect, test } from 'vitest';

import { fromNodeHandler } from '../../../solutions/05-gateway/index.ts';
import { exchange, request, serve, statusOf } from './support.ts';
import type { Served } from './support.ts';

type Observed = (request: IncomingMessage, response: ServerResponse, note: (what: string) => void) => unknown;

interface Seen {
  readonly notes: string[];
  readonly answer: string;
}

async function onNode(handler: Observed, text: string, ends: boolean): Promise<Seen> {
  const notes: string[] = [];
  const server = createServer((req, res) => void handler(req, res, (what) => notes.push(what))).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const answer = await exchange((server.address() as AddressInfo).port, text, ends);
  await new Promise((resolve) => server.close(resolve));
  return { notes, answer };
}

async function onOurs(handler: Observed, text: string, ends: boolean): Promise<Seen> {
  const notes: string[] = [];
  let answer: string;
  {
    await using served: Served = await serve(fromNodeHandler((req, res) => handler(req, res, (what) => notes.push(what))));
    answer = await exchange(served.port, text, ends);
    expect(served.reported).toEqual([]);
  }
  // What a stream says after its end comes in ticks of its own.
  await new Promise((resolve) => setImmediate(resolve));
  return { notes, answer };
}

/** Notes the events of both, each as it comes. */
function follow(req: IncomingMessage, res: ServerResponse, note: (what: string) => void): void {
  for (const event of ['end', 'close', 'aborted']) req.on(event, () => note(`request ${event}`));
  for (const event of ['finish', 'close']) res.on(event, () => note(`response ${event}`));
}

const of = (notes: readonly string[], whose: string): string[] => notes.filter((note) => note.startsWith(whose));

const GET = request('GET', '/');
const POST = request('POST', '/', ['Content-Length: 3'], 'abc');

describe('events come as on node', () => {
  const handlers: Record<string, [handler: Observed, text?: string]> = {
    'end at once': [(_req, res) => res.end('x')],
    'a request that is read': [(req, res) => req.on('data', () => {}).on('end', () => res.end('x')), POST],
    'a request that nobody reads': [(_req, res) => res.end('x'), POST],
    'parts, and an end with a callback': [(_req, res, note) => {
      res.write('abc');
      res.write('def');
      res.end(() => note('response end callback'));
    }],
    'a Content-Length, and an end that comes later': [(_req, res) => {
      res.setHeader('Content-Length', 3).write('abc');
      setImmediate(() => res.end());
    }],
    'a HEAD': [(_req, res) => {
      res.write('abc');
      res.end('def');
    }, request('HEAD', '/')],
    'a 204': [(_req, res) => res.writeHead(204).end()],
  };

  test.each(Object.entries(handlers))('%s', async (_name, [handler, text = GET]) => {
    const watched: Observed = (req, res, note) => {
      follow(req, res, note);
      return handler(req, res, note);
    };
    const [wanted, ours] = [await onNode(watched, text, false), await onOurs(watched, text, false)];
    expect(of(ours.notes, 'response')).toEqual(of(wanted.notes, 'response'));
    expect(of(ours.notes, 'request')).toEqual(of(wanted.notes, 'request'));
    expect(ours.answer.split('\r\n\r\n')[1]).toBe(wanted.answer.split('\r\n\r\n')[1]);
  });
});

test('the socket has the ends of the connection', async () => {
  const handler: Observed = (req, res, note) => {
    const { socket } = req;
    const { family, port, address } = socket.address() as AddressInfo;
    note(JSON.stringify([
      socket.localAddress, socket.localFamily, typeof socket.localPort, socket.remoteAddress, socket.remoteFamily,
      typeof socket.remotePort, family, port === socket.localPort, address,
    ]));
    res.end();
  };
  expect((await onOurs(handler, GET, false)).notes).toEqual((await onNode(handler, GET, false)).notes);
});

test('fields are as node has them', async () => {
  const handler: Observed = (req, res, note) => {
    note(JSON.stringify([req.headers['set-cookie'], req.headers['x-a'], req.headersDistinct['x-a'], req.headers.cookie]));
    res.end();
  };
  const text = request('GET', '/', ['Set-Cookie: a=1', 'X-A: 1', 'Cookie: a=1', 'Cookie: b=2']);
  expect((await onOurs(handler, text, false)).notes).toEqual((await onNode(handler, text, false)).notes);
});

describe('an upload that breaks off', () => {
  const half = request('POST', '/', ['Content-Length: 9'], 'half');

  test('is an error with a code', async () => {
    const handler: Observed = (req, res, note) => {
      req.resume().on('error', (error: NodeJS.ErrnoException) => {
        note(`${error.code}: ${error.message}`);
        res.writeHead(400).end();
      });
    };
    const [wanted, ours] = [await onNode(handler, half, true), await onOurs(handler, half, true)];
    expect(ours.notes).toEqual(wanted.notes);
    expect(ours.notes).toEqual(['ECONNRESET: aborted']);
  });

  test('is answered by the server, also where the handler does not listen', async () => {
    const { answer } = await onOurs((req) => void req.resume(), half, true);
    expect(statusOf(answer)).toBe('400');
  });
});

describe('a handler that fails late', () => {
  test('is told of, and rejects for nobody', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    try {
      const { promise, resolve } = Promise.withResolvers<void>();
      await using served = await serve(fromNodeHandler(async (_req, res) => {
        res.end('x');
        await promise;
        throw new Error('late');
      }));
      expect(statusOf(await exchange(served.port, GET))).toBe('200');
      resolve();
      while (served.written.length === 0) await new Promise((next) => setImmediate(next));
      expect(served.written.join()).toMatch(/^error after the response to GET \/: Error: late/);
      expect([served.reported, unhandled]).toEqual([[], []]);
    } finally {
      process.off('unhandledRejection', note);
    }
  });

  test('with a thenable that is not a Promise, too', async () => {
    await using served = await serve(fromNodeHandler(() => ({ then: (_resolve: unknown, reject: (error: Error) => void) => reject(new Error('late')) })));
    expect(statusOf(await exchange(served.port, GET))).toBe('500');
    expect(String(served.reported)).toContain('late');
  });
});

test('an answer is a socket\'s to those who look', async () => {
  const { notes } = await onOurs((req, res, note) => {
    note(String(req.socket === (res.socket as Socket | null) && req.connection === req.socket));
    res.end();
  }, GET, false);
  expect(notes).toEqual(['true']);
});
