/** G53 on every server and adapter: a body is closed once, however its response ends. */

import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Server } from 'node:net';

import { describe, expect, test } from 'vitest';

import { serveHttp } from '../../../solutions/02-http/index.ts';
import { serveScgi, toFetch, toHandler, toNodeHandler, validator } from '../../../solutions/05-gateway/index.ts';
import type { Breach, GatewayApp } from '../../../solutions/05-gateway/index.ts';
import { fromGateway, serveAsync } from '../../../solutions/06-websocket/index.ts';

/** What became of a body. */
interface Story {
  closes: number;
  returns: number;
  readonly breaches: Breach[];
}

/** An application whose body has three parts and tells how it ended. */
function storied(story: Story, headers: [string, string][] = [], parts = 3, fails = false): GatewayApp {
  const app: GatewayApp = (_environ, startResponse) => {
    startResponse('200 OK', headers);
    let left = parts;
    const iterator = {
      next: () => {
        if (left-- > 0) return { done: false as const, value: Buffer.from('part') };
        if (fails) throw new Error('breaks off');
        return { done: true as const, value: undefined };
      },
      return: () => {
        story.returns++;
        return { done: true as const, value: undefined };
      },
    };
    return { [Symbol.iterator]: () => iterator, close: () => void story.closes++ };
  };
  return validator(app, { report: (list) => void story.breaches.push(...list) });
}

type Ask = (app: GatewayApp, method: string) => Promise<string>;

const quiet = { onError: (): void => {}, errors: { write: (): void => {} } };

/** Sends text, and gives what comes until the other side has closed. */
function send(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => socket.write(text));
    socket.on('data', (bytes) => (answer += bytes.toString('latin1'))).on('end', () => socket.end());
    socket.on('error', () => {}).on('close', () => resolve(answer));
  });
}

const portOf = (address: AddressInfo | string | null): number => (address as AddressInfo).port;
const request = (method: string): string => `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;

const servers: Record<string, Ask> = {
  toHandler: async (app, method) => {
    await using server = await serveHttp(toHandler(app, quiet), { onError: () => {} });
    return await send(portOf(server.address), request(method));
  },
  toNodeHandler: async (app, method) => {
    const server: Server = createServer(toNodeHandler(app, quiet)).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const answer = await send(portOf(server.address()), request(method));
    await new Promise((resolve) => server.close(resolve));
    return answer;
  },
  serveScgi: async (app, method) => {
    const server = await serveScgi(app, quiet);
    const head = ['CONTENT_LENGTH', '0', 'SCGI', '1', 'REQUEST_METHOD', method, 'REQUEST_URI', '/', ''].join('\0');
    const answer = await send(portOf(server.address), `${head.length}:${head},`);
    await server.close();
    return answer;
  },
  toFetch: async (app, method) => {
    const response = await toFetch(app, quiet)(new Request('http://a/', { method }));
    return await response.text().catch(() => '');
  },
  fromGateway: async (app, method) => {
    await using server = await serveAsync(fromGateway(app, quiet), { onError: () => {} });
    return await send((server.address as AddressInfo).port, request(method));
  },
};

describe.each(Object.keys(servers))('%s', (name) => {
  const ask = servers[name]!;

  async function told(app: (story: Story) => GatewayApp, method = 'GET'): Promise<Story> {
    const story: Story = { closes: 0, returns: 0, breaches: [] };
    await ask(app(story), method);
    return story;
  }

  test('closes a body that has ended by itself', async () => {
    expect(await told((story) => storied(story))).toEqual({ closes: 1, returns: 0, breaches: [] });
  });

  test('closes a body without parts', async () => {
    expect(await told((story) => storied(story, [], 0))).toEqual({ closes: 1, returns: 0, breaches: [] });
  });

  test('closes a body that has broken off', async () => {
    expect(await told((story) => storied(story, [], 2, true))).toMatchObject({ closes: 1, breaches: [] });
  });

  test('closes a body that is as long as its Content-Length', async () => {
    expect(await told((story) => storied(story, [['Content-Length', '12']]))).toMatchObject({ closes: 1, breaches: [] });
  });

  test('closes a body that is longer or shorter than its Content-Length', async () => {
    expect(await told((story) => storied(story, [['Content-Length', '6']]))).toMatchObject({ closes: 1 });
    expect(await told((story) => storied(story, [['Content-Length', '60']]))).toMatchObject({ closes: 1 });
  });

  test.each([5, 1_000_000])('closes a list of one part of %i bytes when that has been handed over, and not before', async (length) => {
    let closes = 0;
    const answer = await ask((_environ, startResponse) => {
      startResponse('200 OK', []);
      const part = Buffer.alloc(length, 'w');
      return Object.assign([part], {
        close: () => {
          closes++;
          part.fill('x');
        },
      });
    }, 'GET');
    expect(answer.endsWith('w'.repeat(length))).toBe(true);
    expect(answer).not.toMatch(/transfer-encoding/i);
    expect(closes).toBe(1);
  });

  test('closes a body that is not sent to HEAD', async () => {
    expect(await told((story) => storied(story), 'HEAD')).toMatchObject({ closes: 1, breaches: [] });
  });
});
