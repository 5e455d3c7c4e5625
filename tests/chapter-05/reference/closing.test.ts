/** G53 on every server and adapter: a body is closed once, however its response ends. */

import type { AddressInfo } from 'node:net';

import { describe, expect, test } from 'vitest';

import { toFetch, validator } from '../../../solutions/05-gateway/index.ts';
import type { Breach, GatewayApp } from '../../../solutions/05-gateway/index.ts';
import { fromGateway, serveAsync } from '../../../solutions/06-websocket/index.ts';
import { exchange, request, scgiRequest, serve, serveByScgi, serveOnNode } from './support.ts';

/** The fate of a body. */
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

const servers: Record<string, Ask> = {
  toHandler: async (app, method) => {
    await using served = await serve(app);
    return await exchange(served.port, request(method, '/'));
  },
  toNodeHandler: async (app, method) => {
    await using served = await serveOnNode(app);
    return await exchange(served.port, request(method, '/'));
  },
  serveScgi: async (app, method) => {
    await using served = await serveByScgi(app);
    return await exchange(served.port, scgiRequest([['REQUEST_METHOD', method], ['REQUEST_URI', '/']]));
  },
  toFetch: async (app, method) => {
    const response = await toFetch(app, quiet)(new Request('http://a/', { method }));
    return await response.text().catch(() => '');
  },
  fromGateway: async (app, method) => {
    await using server = await serveAsync(fromGateway(app, quiet), { onError: () => {} });
    return await exchange((server.address as AddressInfo).port, request(method, '/'));
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

  test.each([5, 1_000_000])('closes a list of one part of %i bytes when the part has been handed over, and not before', async (length) => {
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
