/** 8.5 Health and metrics: what a load balancer and monitoring may know, and what is written down of each request. */
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type { Fields } from '#support/http-client.ts';
import { closing, eventually, expectStatus, over } from '#support/http-exchange.ts';
import { fieldValues } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import { readMetrics, valueOf } from './prometheus.ts';
import type { Sample } from './prometheus.ts';
import { staged, toldBy } from './stage.ts';
import type { Stage } from './stage.ts';

const STATUS = { statusBind: '127.0.0.1:0' } as const;
/** Nothing that a rule waits for. */
const LONG_MS = 600_000;

exercise<typeof driver>('8.5', import.meta.url, (rule) => {
  rule(
    'alive-and-ready',
    'says that it lives, and whether it is ready, by what its checks say',
    {
      rule: 'health is about the process, readiness about the next request: a server is not restarted because a database is down',
      likely: 'both answer the same, or a check that throws at once is not taken for one that has failed',
    },
    staged(async (stage) => {
      const { status } = await stage.serve(STATUS, { checks: ['database', 'cache'] });
      for (const outcome of ['passes', 'throws', 'passes', 'rejects', 'passes'] as const) {
        await stage.world.call('checks', outcome);
        expectStatus(await ask(stage, status!, '/health'), 200, `GET /health, while each check ${outcome}`);
        const ready = await ask(stage, status!, '/readiness');
        expectStatus(ready, outcome === 'passes' ? 200 : 503, `GET /readiness, while each check ${outcome}`);
        check(!ready.body.includes('secret'), { sent: `GET /readiness, while each check ${outcome}`, received: 'the message of the error', expected: 'nothing of what is inside: that goes into the log' });
      }
      expectStatus(await ask(stage, status!, '/other'), 404, 'GET /other');
      expectStatus(await ask(stage, status!, '/__proto__'), 404, 'GET /__proto__');
      expectStatus(await ask(stage, status!, '/health', 'POST'), 405, 'POST /health');
    }),
  );

  rule(
    'checks-end',
    'is not ready when a check takes too long, and says so in time',
    {
      rule: 'a check that hangs has failed: the one that asks has a time limit, too',
      likely: 'the answer waits for the check, however long it takes',
    },
    staged(async (stage) => {
      const { status } = await stage.serve({ ...STATUS, checkMs: 200 }, { checks: ['database'] });
      await stage.world.call('checks', 'waits');
      for (let times = 0; times < 2; times++) expectStatus(await ask(stage, status!, '/readiness', 'GET', 5_000), 503, 'GET /readiness, while a check does not end');
      await stage.world.call('checks', 'passes');
      expectStatus(await ask(stage, status!, '/readiness'), 200, 'GET /readiness, when the check passes again');
    }),
  );

  rule(
    'one-check-for-all',
    'does not run a check for each of a hundred questions at once',
    {
      rule: 'those that ask while a check runs get its result; otherwise asking for health is a way to take it away',
      likely: 'each request runs all checks',
    },
    staged(async (stage) => {
      const { status } = await stage.serve({ ...STATUS, checkMs: 60_000 }, { checks: ['database'] });
      await stage.world.call('checks', 'waits');
      const asking = [];
      for (let index = 0; index < 100; index++) asking.push((await stage.world.http(status!)).send('GET', '/readiness', closing()));
      await eventually(stage.world, async () => (await stage.world.call('checked')) > 0, { sent: 'GET /readiness', received: 'no check', expected: 'a check' });
      await stage.world.settle();
      const checked = await stage.world.call('checked');
      check(checked < 10, { sent: '100 times GET /readiness', received: `${checked} checks at once`, expected: 'one check for all of them' });
      await stage.world.call('checks', 'passes');
      for (const http of asking) expectStatus(await http.response(), 200, 'GET /readiness, asked while a check was running');
    }),
  );

  rule(
    'draining',
    'is not ready as soon as it is told to stop, and goes on serving until the others have noticed',
    {
      rule: 'a load balancer must hear that a server goes before it is gone',
      likely: 'the socket is closed first, and the last answer of readiness was 200',
    },
    staged(async (stage) => {
      const { address, status } = await stage.serve({ ...STATUS, drainDelayMs: LONG_MS });
      expectStatus(await ask(stage, status!, '/readiness'), 200, 'GET /readiness, before the end');
      await stage.world.call('beginClose', 2 * LONG_MS);
      expectStatus(await ask(stage, status!, '/readiness'), 503, 'GET /readiness, while the server drains');
      expectStatus(await ask(stage, status!, '/health'), 200, 'GET /health, while the server drains');
      expectStatus(await ask(stage, address, '/work'), 200, 'a request that still comes, while the server drains');
      const quick = await stage.serve({ ...STATUS, drainDelayMs: 200 });
      const held = await stage.world.http(quick.address);
      held.sendBytes('POST /held HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nhalf', ['POST']);
      await stage.world.settle();
      await stage.world.call('beginClose', LONG_MS);
      const late = async (): Promise<boolean> => {
        const client = stage.world.client(quick.address);
        client.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
        await over(client);
        return client.receivedBytes === 0;
      };
      await eventually(stage.world, late, { sent: 'requests, after the delay', received: 'answers', expected: 'nobody is let in any more' }, 5_000);
      expectStatus(await ask(stage, quick.status!, '/readiness'), 503, 'GET /readiness, while the last request ends');
      held.tcp.write('done');
      check(toldBy(await held.response(), 'a request from before the end').body === 'halfdone', { sent: 'the rest of the request', received: 'another body', expected: 'the whole body' });
    }),
  );

  rule(
    'not-for-strangers',
    'does not answer them where everybody can ask',
    {
      rule: 'what a server counts is for those that run it; on the public address these paths are the application\'s',
      likely: 'the paths are taken away from the application',
      attack: { name: 'metrics for everybody', year: 2024, fell: 'some 336,000 Prometheus servers and exporters, many of which told passwords and keys' },
    },
    staged(async (stage) => {
      const served = await stage.serve({ ...STATUS });
      const alone = await stage.serve({});
      check(served.status !== null && alone.status === null, { sent: 'a start with statusBind, and one without', received: 'servers for monitoring in both or none', expected: 'one in the first' });
      for (const { address } of [served, alone]) {
        for (const path of ['/health', '/readiness', '/metrics']) {
          const told = toldBy(await ask(stage, address, path), `GET ${path} on the public address`);
          check(told.path === path, { sent: `GET ${path} on the public address`, received: `a request for ${told.path}`, expected: 'the answer of the application' });
        }
      }
    }),
  );

  rule(
    'prometheus',
    'counts requests by method and status, and their durations, so that Prometheus can read it',
    {
      rule: 'the text format has a TYPE before the samples of a name, each series once, and cumulative buckets (Prometheus text format 0.0.4)',
      likely: 'each bucket counts only what is between it and the one before',
    },
    staged(async (stage) => {
      const { address, status } = await stage.serve(STATUS);
      const { random } = stage.world;
      readMetrics((await ask(stage, status!, '/metrics')).body.toString('utf8'));
      const before = await scrape(stage, status!);
      const counts = { GET: random.integer(2, 9), POST: random.integer(2, 9), HEAD: random.integer(1, 4) };
      const http = await stage.world.http(address);
      for (const [method, count] of Object.entries(counts)) {
        for (let index = 0; index < count; index++) {
          http.send(method, `/path/${random.word()}`, method === 'POST' ? { body: random.words(3) } : {});
          await http.response();
        }
      }
      const faults = random.integer(1, 4);
      for (let index = 0; index < faults; index++) expectStatus(await ask(stage, address, '/fault'), 500, 'a request to which the application throws');
      const after = await scrape(stage, status!);
      const grown = (name: string, labels: Record<string, string> = {}): number => valueOf(after, name, labels) - valueOf(before, name, labels);
      const all = counts.GET + counts.POST + counts.HEAD + faults;
      for (const [what, got, expected] of [
        ['http_requests_total', grown('http_requests_total'), all],
        ['http_requests_total of GET with 200', grown('http_requests_total', { method: 'GET', status: '200' }), counts.GET],
        ['http_requests_total of POST with 200', grown('http_requests_total', { method: 'POST', status: '200' }), counts.POST],
        ['http_requests_total with 500', grown('http_requests_total', { status: '500' }), faults],
        ['http_request_duration_seconds_count', grown('http_request_duration_seconds_count'), all],
        ['http_requests_in_progress', valueOf(after, 'http_requests_in_progress'), 0],
        ['connections_open', valueOf(after, 'connections_open'), 1],
      ] as const) check(got === expected, { sent: `${all} requests, and then GET /metrics`, received: `${what}: ${got}`, expected: `${expected}` });
      const seconds = grown('http_request_duration_seconds_sum');
      check(seconds > 0 && seconds < 60 * all, { sent: `${all} requests`, received: `${seconds} seconds in all`, expected: 'a time in seconds' });
      const held = await stage.world.http(address);
      held.sendBytes('POST /held HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nhalf', ['POST']);
      await stage.world.settle();
      const inProgress = valueOf(await scrape(stage, status!), 'http_requests_in_progress');
      check(inProgress === 1, { sent: 'half a request, and then GET /metrics', received: `${inProgress} in progress`, expected: '1' });
    }),
  );

  rule(
    'few-series',
    'has no series for what clients make up',
    {
      rule: 'every set of labels stays in memory: a client that can write one can fill it',
      likely: 'the method is a label as it was sent, and any token is a method',
      attack: { name: 'unbounded label values', year: 2022, cve: 'CVE-2022-21698', fell: 'client_golang, with which Prometheus, Kubernetes and Docker count' },
    },
    staged(async (stage) => {
      const { address, status } = await stage.serve({ ...STATUS, trustedProxies: ['127.0.0.1'] });
      const { random } = stage.world;
      const http = await stage.world.http(address);
      const words = Array.from({ length: 150 }, (_, index) => `${random.word()}${index}`.toUpperCase());
      for (const word of words) {
        http.send(word, `/${word}?${word}`, { fields: [['X-Forwarded-For', `203.0.113.${random.integer(1, 250)}`], ['X-Request-Id', word], ['User-Agent', word]], host: `${word}.example` });
        await http.response();
      }
      const samples = await scrape(stage, status!);
      const counted = valueOf(samples, 'http_requests_total', { status: '200' });
      check(counted === words.length, { sent: `${words.length} requests with methods that nobody knows`, received: `${counted} in http_requests_total`, expected: `${words.length}` });
      const made = samples.find(({ labels }) => [...labels.values()].some((value) => words.some((word) => value.toUpperCase().includes(word)) || value.includes('203.0.113')));
      check(made === undefined && samples.length < 100, {
        sent: `${words.length} requests with methods, paths and hosts that nobody knows`,
        received: made === undefined ? `${samples.length} series` : `a series with the label ${[...made.labels].join(' ')}`,
        expected: 'a few series, with labels that the server has chosen',
      });
    }),
  );

  rule(
    'refused-are-counted',
    'counts and logs those that it did not let in',
    {
      rule: 'an attack that is fended off must be seen',
      likely: 'only requests are counted, and these clients never got as far',
    },
    staged(async (stage) => {
      const { address, status } = await stage.serveSecure({ ...STATUS, connectionsMax: 3 });
      const client = await stage.world.connect(address);
      client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n').end();
      await over(client);
      await stage.world.settle();
      const refused = valueOf(await scrape(stage, status!), 'connections_refused_total');
      check(refused === 1, { sent: 'plain HTTP to a server for HTTPS', received: `${refused} in connections_refused_total`, expected: '1' });
      const line = (await stage.world.call('lines')).find((text) => text.includes('127.0.0.1'));
      check(line !== undefined, { sent: 'plain HTTP to a server for HTTPS', received: 'no line in the log that names the client', expected: 'a line' });
      for (let index = 0; index < 3; index++) await stage.secure(address);
      await over(stage.world.client(address), 'the fourth connection of three is closed');
      const samples = await scrape(stage, status!);
      check(valueOf(samples, 'connections_refused_total') === 2, { sent: 'a fourth connection where three are allowed', received: `${valueOf(samples, 'connections_refused_total')} in connections_refused_total`, expected: '2' });
      check(valueOf(samples, 'connections_open') === 3, { sent: 'three connections', received: `${valueOf(samples, 'connections_open')} in connections_open`, expected: '3' });
    }),
  );

  rule(
    'cut-are-counted',
    'counts the clients that it has cut because they take too little',
    {
      rule: 'an attack that is fended off must be seen, also when it begins after the first request',
      likely: 'the log has a line, and no number grows that an alarm could watch',
    },
    staged(async (stage) => {
      const { address, status } = await stage.serve({ ...STATUS, sendMs: 500, sendBytesPerSecondMin: 1_000_000_000 });
      const cut = async (): Promise<number> => valueOf(await scrape(stage, status!), 'connections_cut_total');
      check((await cut()) === 0, { sent: 'GET /metrics, before anybody was slow', received: `${await cut()} in connections_cut_total`, expected: '0' });
      for (let index = 0; index < 2; index++) {
        const http = await stage.world.http(address);
        http.tcp.pause();
        http.send('GET', '/endless');
      }
      await eventually(stage.world, async () => (await cut()) === 2, { sent: 'two clients that take nothing of a response', received: 'another number in connections_cut_total', expected: '2' });
    }),
  );

  rule(
    'request-ids',
    'gives each request a name of its own, or leaves it the one of a trusted proxy, and tells both sides',
    {
      rule: 'one name goes through all logs; a stranger must not choose it, and nobody may put anything into it',
      likely: 'whatever is in X-Request-Id is passed on',
    },
    staged(async (stage) => {
      const open = (await stage.serve({})).address;
      const behind = (await stage.serve({ trustedProxies: ['127.0.0.1', '10.0.0.0/8'] })).address;
      const given = `req-${stage.world.random.integer(1000, 9999)}:a/b+c=._`;
      const idOf = async (address: Address, fields: Fields): Promise<string> => {
        const http = await stage.world.http(address);
        http.send('GET', '/', closing({ fields }));
        const response = await http.response();
        const { requestId } = toldBy(response, 'a request');
        const ids = fieldValues(response, 'x-request-id');
        check(ids.length === 1 && ids[0] === requestId && requestId !== null && requestId !== '', {
          sent: `a request with ${JSON.stringify(fields)}`, received: `X-Request-Id: ${ids.join(' and ') || 'none'}, and an application that was told ${requestId}`, expected: 'the same name for both',
        });
        return requestId;
      };
      const fresh = new Set<string>();
      for (let index = 0; index < 5; index++) fresh.add(await idOf(open, []));
      fresh.add(await idOf(open, [['X-Request-Id', given]]));
      const bads = ['', 'a b', 'x'.repeat(5_000), '"quoted"', '<script>', 'a,b', 'é'];
      for (const bad of bads) fresh.add(await idOf(behind, [['X-Request-Id', bad]]));
      fresh.add(await idOf(behind, [['X-Request-Id', given], ['X-Request-Id', 'second']]));
      check(fresh.size === 14 && ![...bads, given, 'second'].some((id) => fresh.has(id)), { sent: '14 requests without a name that may be believed', received: [...fresh].map((id) => id.slice(0, 60)).join(', '), expected: '14 different new names' });
      check((await idOf(behind, [['X-Request-Id', given]])) === given, { sent: `X-Request-Id: ${given}, by a trusted proxy`, received: 'another name', expected: given });
    }),
  );

  rule(
    'access-log',
    'writes down each request once, with what belongs to it',
    {
      rule: 'a line for each request says who asked for what, when it was known, and how it ended',
      likely: 'a request to which the application throws leaves no line',
    },
    staged(async (stage) => {
      const { address } = await stage.serve({ accessLog: 'on', trustedProxies: ['127.0.0.1'] });
      const client: Fields = [['X-Forwarded-For', '203.0.113.7']];
      const target = `/a%0a%22b%5c?q=%0d%22&${stage.world.random.word()}`;
      const answers = [];
      for (const [method, path] of [['GET', target], ['HEAD', '/head'], ['POST', '/fault']] as const) {
        const http = await stage.world.http(address);
        http.send(method, path, closing({ fields: client }));
        const response = await http.response();
        answers.push({ method, target: path, status: response.status, bytes: path === '/fault' ? 0 : response.body.length, client: '203.0.113.7' });
      }
      const entries = async (): Promise<Record<string, unknown>[]> => (await stage.world.call('lines')).filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ event }) => event === 'request');
      await eventually(stage.world, async () => (await entries()).length >= answers.length, { sent: `${answers.length} requests`, received: 'fewer lines', expected: 'a line for each' });
      const logged = await entries();
      check(logged.length === answers.length, { sent: `${answers.length} requests`, received: `${logged.length} lines`, expected: 'a line for each' });
      for (const answer of answers) {
        const entry = logged.find(({ target: path }) => path === answer.target);
        const { requestId, durationMs, ...rest } = entry ?? {};
        const isRight = Object.entries(answer).every(([field, value]) => rest[field] === value) && typeof requestId === 'string' && typeof durationMs === 'number' && durationMs >= 0;
        check(isRight, { sent: `${answer.method} ${answer.target}`, received: entry === undefined ? 'no line' : JSON.stringify(entry), expected: `a line with ${JSON.stringify(answer)}, a requestId and a durationMs` });
      }
      const quiet = await stage.serve({});
      await ask(stage, quiet.address, '/');
      check((await entries()).length === answers.length, { sent: 'a request to a server without an access log', received: 'a line', expected: 'nothing' });
    }),
  );
});

async function ask(stage: Stage, address: Address, target: string, method = 'GET', patienceMs?: number): Promise<HttpTestResponse> {
  const http = await stage.world.http(address);
  http.send(method, target, closing());
  return await http.response(patienceMs === undefined ? {} : { patienceMs });
}

async function scrape(stage: Stage, address: Address): Promise<Sample[]> {
  const response = await ask(stage, address, '/metrics');
  expectStatus(response, 200, 'GET /metrics');
  const [type = 'none'] = fieldValues(response, 'content-type');
  check(/^text\/plain\b/.test(type), { sent: 'GET /metrics', received: `Content-Type: ${type}`, expected: 'text/plain; version=0.0.4' });
  return readMetrics(response.body.toString('utf8'));
}
