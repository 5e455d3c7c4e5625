/** 8.4 Limits and rate: connections in all and for each client, requests in the long run, and none that another site made up. */
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { requestBytes } from '#support/http-client.ts';
import type { Fields, HttpClient } from '#support/http-client.ts';
import { closing, eventually, expectStatus, over } from '#support/http-exchange.ts';
import { fieldValues } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import { clientHello } from './hello.ts';
import { staged, toldBy } from './stage.ts';
import type { Stage } from './stage.ts';

const TRUSTED = { trustedProxies: ['127.0.0.1'] } as const;
const HOUR_MS = 3_600_000;

exercise<typeof driver>('8.4', import.meta.url, (rule) => {
  rule(
    'connections-in-all',
    'has no more connections than it may, and room again when one has gone',
    {
      rule: 'every connection costs memory and a descriptor, so there is a greatest number of them',
      likely: 'a connection that has ended is still counted, or one in the middle of its handshake is not',
      attack: { name: 'SYN flood', year: 1996, fell: 'Panix, a provider in New York, for days' },
    },
    staged(async (stage) => {
      const most = stage.world.random.integer(3, 6);
      for (const secure of [false, true]) {
        const settings = { connectionsMax: most };
        const { address } = secure ? await stage.serveSecure({ ...settings, handshakeMs: 120_000 }) : await stage.serve(settings);
        const held = [];
        for (let index = 0; index < most; index++) held.push(await stage.world.connect(address, { label: `connection ${index + 1}` }));
        if (secure) held[0]!.write((await clientHello()).subarray(0, 9));
        await stage.world.settle();
        for (let times = 0; times < 3; times++) await expectNoRoom(stage, address, secure, `connection ${most + 1} of at most ${most}`);
        for (const [index, client] of held.entries()) check(!client.ended && !client.closed, { sent: `${most} connections, and more`, received: `connection ${index + 1} was closed`, expected: 'those that are in stay' });
        held.pop()!.end();
        held.pop()!.resetNow();
        await expectRoom(stage, address, secure, 'two of them have gone');
      }
    }),
  );

  rule(
    'connections-per-client',
    'lets one client have a part of the connections, and others theirs',
    {
      rule: 'a limit in all, alone, lets one client take everything; those of each are counted by address',
      likely: 'the count of an address is never taken down again, or not when the connection is cut',
    },
    staged(async (stage) => {
      const most = stage.world.random.integer(2, 5);
      const { address } = await stage.serve({ ...TRUSTED, proxyProtocol: 'on', connectionsPerClientMax: most });
      const greedy = [];
      for (let index = 0; index < most; index++) greedy.push(await comes(stage, address, '203.0.113.7'));
      for (let times = 0; times < 2; times++) await expectNotServed(stage, address, '203.0.113.7', `connection ${most + 1} of a client that may have ${most}`);
      await (await comes(stage, address, '203.0.113.8')).tcp.end();
      for (const http of greedy) {
        http.send('GET', '/again');
        toldBy(await http.response(), 'another request on a connection that is in');
      }
      greedy.pop()!.tcp.end();
      greedy.pop()!.tcp.resetNow();
      await eventually(stage.world, async () => await isServed(stage, address, '203.0.113.7'), { sent: 'a connection of that client, after two of its own have gone', received: 'it is closed', expected: 'it is served' });
    }),
  );

  rule(
    'v6-by-network',
    'takes a network of IPv6 for one client',
    {
      rule: 'a household has a /64, which is 2⁶⁴ addresses: a limit for each of them limits nobody (RFC 6177)',
      likely: 'the whole address is the key',
    },
    staged(async (stage) => {
      const { address } = await stage.serve({ ...TRUSTED, proxyProtocol: 'on', connectionsPerClientMax: 2 });
      await comes(stage, address, '2001:db8:1:2::1');
      await comes(stage, address, '2001:db8:1:2:ffff:0:0:2');
      await expectNotServed(stage, address, '2001:db8:1:2:aaaa::3', 'a third address of the same /64');
      for (const other of ['2001:db8:1:3::1', '2001:db8:2:2::1', '2001:db8::1']) await comes(stage, address, other);
      const limited = await stage.serve({ ...TRUSTED, requestIntervalMs: HOUR_MS, requestBurst: 2 });
      for (const [from, status] of [['2001:db8:1:2::1', 200], ['2001:0db8:0001:0002::9', 200], ['2001:DB8:1:2::5', 429], ['2001:db8:1:3::1', 200]] as const) {
        expectStatus(await ask(stage, limited.address, [['X-Forwarded-For', from]]), status, `a request of ${from}, with 2 for each client`);
      }
    }),
  );

  rule(
    'proxies-have-more',
    'does not count the connections of its own proxies as those of one client',
    {
      rule: 'everybody comes through the proxy: a limit for its address is a limit for all',
      likely: 'the address of the connection is the key, whether it is a proxy or a client',
    },
    staged(async (stage) => {
      const most = 2;
      const trusting = await stage.serve({ ...TRUSTED, connectionsPerClientMax: most });
      const clients = [];
      for (let index = 0; index < 3 * most; index++) clients.push((await stage.world.http(trusting.address, { label: `connection ${index + 1} of a proxy` })).send('GET', '/'));
      for (const http of clients) toldBy(await http.response(), 'a request through a trusted proxy');
      const other = await stage.serve({ connectionsPerClientMax: most });
      for (let index = 0; index < most; index++) await stage.world.connect(other.address);
      await stage.world.settle();
      await expectNoRoom(stage, other.address, false, `connection ${most + 1} of somebody else who may have ${most}`);
    }),
  );

  rule(
    'too-many-requests',
    'answers a client that asks too often with 429 and Retry-After, and everybody else as always',
    {
      rule: '429 says that there were too many requests, and after how many seconds to come again (RFC 6585 §4, RFC 9110 §10.2.3)',
      likely: 'requests are counted for each connection, or for all clients together',
      attack: { name: 'credential stuffing', year: 2023, fell: '23andMe: passwords were tried without a limit for five months' },
    },
    staged(async (stage) => {
      const burst = stage.world.random.integer(3, 8);
      const intervalMs = stage.world.random.integer(100, 900) * 1000;
      const { address } = await stage.serve({ ...TRUSTED, requestIntervalMs: intervalMs, requestBurst: burst });
      const from = (client: string): Fields => [['X-Forwarded-For', client]];
      const http = await stage.world.http(address);
      for (let index = 0; index < burst; index++) {
        if (index % 2 === 0) expectStatus(await ask(stage, address, from('203.0.113.7')), 200, `request ${index + 1} of ${burst} that a client may send at once`);
        else {
          http.send('GET', '/', { fields: from('203.0.113.7') });
          toldBy(await http.response(), `request ${index + 1} of ${burst} that a client may send at once`);
        }
      }
      for (let times = 0; times < 3; times++) {
        const refused = await ask(stage, address, from('203.0.113.7'), 'POST');
        expectStatus(refused, 429, `request ${burst + 1 + times}, on a new connection`);
        const [after = 'none', ...more] = fieldValues(refused, 'retry-after');
        const isRight = more.length === 0 && /^\d+$/.test(after) && Number(after) >= 1 && Number(after) <= intervalMs / 1000 && Number(after) > intervalMs / 2000;
        check(isRight, { sent: `a request too many, with one each ${intervalMs / 1000} s`, received: `Retry-After: ${after}`, expected: `the seconds until the next token: at most ${intervalMs / 1000}` });
      }
      http.send('GET', '/', { fields: from('203.0.113.7') });
      expectStatus(await http.response(), 429, 'a request too many on the connection from before');
      expectStatus(await ask(stage, address, from('203.0.113.8')), 200, 'a request of another client');
      http.send('GET', '/', { fields: from('203.0.113.9') });
      expectStatus(await http.response(), 200, 'a request of another client, over the same connection of the proxy');
    }),
  );

  rule(
    'tokens-come-back',
    'gives tokens back as time passes, and never more than a bucket holds',
    {
      rule: 'a token bucket fills at a steady rate up to its size, and a new client has a full one',
      likely: 'the count is put back to zero at each full second, so that twice as many get through around it',
    },
    async ({ call, random }) => {
      const intervalMs = random.integer(20, 400);
      const burst = random.integer(2, 9);
      const startMs = random.integer(0, 1_000_000);
      const at = (...takes: readonly (readonly [string, number])[]) => takes.map(([key, ms]) => [key, startMs + ms] as const);
      const many = (key: string, count: number, ms: number) => Array.from({ length: count }, () => [key, ms] as const);
      const expectWaits = async (what: string, takes: readonly (readonly [string, number])[], waits: readonly number[]): Promise<void> => {
        const got = (await call('buckets', { intervalMs, burst, takes: at(...takes) })).waits;
        const isRight = got.length === waits.length && got.every((wait, index) => Math.abs(wait - waits[index]!) < 0.5);
        check(isRight, { sent: `${what}; a token each ${intervalMs} ms, ${burst} at most`, received: `waits of ${got.join(', ')} ms`, expected: `waits of ${waits.join(', ')} ms` });
      };
      const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
      await expectWaits('a burst and one more', many('a', burst + 1, 0), [...zeros(burst), intervalMs]);
      await expectWaits('a refusal costs nothing', [...many('a', burst + 3, 0), ['a', intervalMs]], [...zeros(burst), intervalMs, intervalMs, intervalMs, 0]);
      await expectWaits('half an interval later', [...many('a', burst, 0), ['a', intervalMs / 2]], [...zeros(burst), intervalMs / 2]);
      await expectWaits('an interval later there is one', [...many('a', burst, 0), ...many('a', 2, intervalMs)], [...zeros(burst), 0, intervalMs]);
      await expectWaits('a full bucket does not get fuller', [['a', 0], ...many('a', burst + 1, 1000 * intervalMs)], [...zeros(burst + 1), intervalMs]);
      await expectWaits('at the steady rate for ever', Array.from({ length: 50 }, (_, index) => ['a', index * intervalMs] as const), zeros(50));
      await expectWaits('another client', [...many('a', burst, 0), ['b', 0], ['__proto__', 0], ['a', 0]], [...zeros(burst), 0, 0, intervalMs]);
    },
  );

  rule(
    'bounded-memory',
    'remembers no more clients than it may, and not first of all forgets the one that is refused',
    {
      rule: 'what a limit remembers must have a limit itself',
      likely: 'clients are remembered for ever, or all are forgotten when there are too many',
    },
    async ({ call, random }) => {
      const clientsMax = random.integer(50, 200);
      const others = Array.from({ length: 20 * clientsMax }, (_, index) => [`other ${index}`, index] as const);
      const greedy = (ms: number) => ['greedy', ms] as const;
      const takes = [greedy(0), greedy(0), ...others.flatMap((other, index) => (index % 10 === 0 ? [other, greedy(index)] : [other]))];
      const { waits, size } = await call('buckets', { intervalMs: HOUR_MS, burst: 2, clientsMax, takes });
      check(size <= clientsMax, { sent: `${others.length} clients`, received: `${size} that are remembered`, expected: `at most ${clientsMax}` });
      const first = takes.findIndex(([key], index) => index > 1 && key === 'greedy' && waits[index] === 0);
      check(first === -1, { sent: 'a client that goes on asking while others come', received: `a token at its request number ${first}`, expected: 'none: it was seen a moment ago' });
    },
  );

  rule(
    'cross-site',
    'refuses what a page of another site sends to change something',
    {
      rule: 'browsers say by Sec-Fetch-Site whose page it is (Fetch Metadata §2.3); from another site, only safe methods are allowed (RFC 9110 §9.2.1)',
      likely: 'a request without the field is refused, too, and with it every program that is not a browser',
      attack: { name: 'cross-site request forgery', year: 2008, fell: 'ING Direct and YouTube: pages of others moved money and added friends' },
    },
    staged(async (stage) => {
      const { address } = await stage.serve({ crossSite: 'refuse' });
      const same = 'one.example:8443';
      const cases: readonly (readonly [string, Fields, boolean])[] = [
        ...['POST', 'PUT', 'PATCH', 'DELETE'].flatMap((method) => [
          [method, [], true] as const,
          [method, [['Sec-Fetch-Site', 'same-origin']], true] as const,
          [method, [['Sec-Fetch-Site', 'none']], true] as const,
          [method, [['Sec-Fetch-Site', 'same-site']], false] as const,
          [method, [['Sec-Fetch-Site', 'cross-site']], false] as const,
          [method, [['Sec-Fetch-Site', 'cross-site'], ['Origin', `https://${same}`]], false] as const,
        ]),
        ...['GET', 'HEAD'].map((method) => [method, [['Sec-Fetch-Site', 'cross-site'], ['Origin', 'https://evil.example']], true] as const),
        ['POST', [['Origin', `https://${same}`]], true],
        ['POST', [['Origin', 'https://evil.example']], false],
        ['POST', [['Origin', `https://${same}.evil.example`]], false],
        ['POST', [['Origin', 'null']], false],
        ['POST', [['Sec-Fetch-Site', 'same-origin'], ['Origin', 'https://before.proxy.example']], true],
      ];
      for (const [method, fields, isFine] of stage.world.random.shuffle(cases)) {
        const http = await stage.world.http(address);
        http.send(method, '/', closing({ fields, host: same }));
        expectStatus(await http.response(), isFine ? 200 : 403, `${method} / ${fields.map(([name, value]) => `${name}: ${value}`).join(', ')}`);
      }
      const open = await stage.serve({});
      expectStatus(await ask(stage, open.address, [['Sec-Fetch-Site', 'cross-site']], 'POST'), 200, 'POST from another site, to a server that allows it');
    }),
  );
});

async function ask(stage: Stage, address: Address, fields: Fields, method = 'GET'): Promise<HttpTestResponse> {
  const http = await stage.world.http(address);
  http.send(method, '/', closing({ fields }));
  return await http.response();
}

/** A client that a proxy says has this address. It is served, and stays. */
async function comes(stage: Stage, address: Address, client: string): Promise<HttpClient> {
  const http = await stage.world.http(address, { label: `a connection of ${client}` });
  http.sendBytes(Buffer.concat([headerFor(client), requestBytes('GET', '/')]));
  toldBy(await http.response(), `a connection of ${client}`);
  return http;
}

function headerFor(client: string): Buffer {
  return Buffer.from(`PROXY ${client.includes(':') ? 'TCP6' : 'TCP4'} ${client} ${client.includes(':') ? '2001:db8::1' : '192.0.2.1'} 1234 443\r\n`);
}

async function isServed(stage: Stage, address: Address, client: string): Promise<boolean> {
  const http = await stage.world.http(address);
  http.sendBytes(Buffer.concat([headerFor(client), requestBytes('GET', '/', closing())]));
  await over(http.tcp);
  return http.tcp.received.includes('"path":"/"');
}

async function expectNotServed(stage: Stage, address: Address, client: string, what: string): Promise<void> {
  check(!(await isServed(stage, address, client)), { sent: what, received: 'the answer of the application', expected: 'the connection is closed, or the request is refused' });
}

/** One more connection is closed, or refused in some other way. */
async function expectNoRoom(stage: Stage, address: Address, secure: boolean, what: string): Promise<void> {
  const client = stage.world.client(address, { label: what });
  if (!secure) client.write(requestBytes('GET', '/', closing()));
  await over(client, 'the connection is closed');
  check(!client.received.includes('"path":"/"'), { sent: what, received: client.describe(), expected: 'the connection is closed, or the request is refused' });
}

async function expectRoom(stage: Stage, address: Address, secure: boolean, after: string): Promise<void> {
  await eventually(stage.world, async () => {
    if (secure) return (await stage.tries(address, {})).isIn;
    const client = stage.world.client(address);
    client.write(requestBytes('GET', '/', closing()));
    await over(client);
    return client.received.includes('"path":"/"');
  }, { sent: `a connection, when ${after}`, received: 'it is closed', expected: 'it is served' });
}
