import { count } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { chunkedBytes, requestBytes } from '#support/http-client.ts';
import { fieldTokens } from '#support/http-response.ts';
import type driver from './driver.ts';
import type { Pairs } from './driver.ts';
import { eventually, expectStatus, over } from './wire.ts';

exercise<typeof driver>('2.12', import.meta.url, (rule) => {
  rule(
    'hands-connections-over',
    'hands a connection over after 101, with the bytes that have come already',
    {
      rule: 'after 101 the connection speaks another protocol, from the first byte after the request (RFC 9110 §7.8)',
      likely: 'what came in the packet of the request is dropped, or parsed as a request',
    },
    async (world) => {
      const server = await world.call('serve', { routes: { '/': { switches: true } } });
      const http = await world.http(server);
      http.sendBytes(Buffer.concat([requestBytes('GET', '/', { fields: [['Connection', 'Upgrade'], ['Upgrade', 'capitals']] }), Buffer.from('hello ')]));
      const response = await http.response();
      expectStatus(response, 101, http.tcp.describeSent());
      check(fieldTokens(response, 'connection').includes('upgrade') && fieldTokens(response, 'upgrade').includes('capitals'), {
        sent: http.tcp.describeSent(),
        received: response.fields.map(({ name, value }) => `${name}: ${value}`).join(', '),
        expected: 'Connection: Upgrade and Upgrade: capitals',
      });
      http.tcp.write('world');
      await http.tcp.until(() => http.leftOver.toString() === 'HELLO WORLD', { expected: 'HELLO WORLD, by the other protocol' });
      // More than the server would keep of a pipeline.
      const much = world.random.bytes(world.random.integer(100_000, 200_000)).toString('hex');
      http.tcp.write(much);
      const shouted = Buffer.from(`HELLO WORLD${much.toUpperCase()}`);
      await http.tcp.until(() => http.leftOver.length >= shouted.length, { expected: `all of ${count(much.length, 'letter')} by the other protocol: nobody else reads, or stops reading, from this socket` });
      check(http.leftOver.equals(shouted), { kind: 'wrong bytes', sent: `${count(much.length, 'letter')} after the 101`, received: 'other letters', expected: 'the same in capitals' });
      // As browsers say it, too.
      for (const fields of [[['Connection', 'keep-alive, Upgrade'], ['Upgrade', 'capitals']], [['Connection', 'keep-alive'], ['connection', 'upgrade'], ['upgrade', 'capitals']]] as Pairs[]) {
        const browser = await world.http(server, { label: `client that says ${fields.map((field) => field.join(': ')).join(', ')}` });
        browser.send('GET', '/', { fields });
        expectStatus(await browser.response(), 101, browser.tcp.describeSent());
      }
    },
  );

  rule(
    'hands-over-only-what-was-asked-for',
    'switches protocols only for clients that asked for it, and counts those until they are gone',
    {
      rule: 'a server MUST NOT switch to a protocol that the request did not name, and ignores Upgrade in HTTP/1.0 (RFC 9110 §7.8)',
      likely: '101 is sent because the handler says so; the connection is dropped from the count, and keeps the server from ending',
    },
    async (world) => {
      const server = await world.call('serve', { routes: { '/': { switches: true }, '/throws': { switches: 'throws' }, '/forged': { switches: true, headers: [['X-A', 'b\r\nX-Evil: yes']] } } });
      const asked: Pairs = [['Connection', 'Upgrade'], ['Upgrade', 'capitals']];
      for (const [what, fields, version] of [['no Upgrade', [], 'HTTP/1.1'], ['Upgrade, but no Connection: Upgrade', [['Upgrade', 'capitals']], 'HTTP/1.1'], ['Connection: Upgrade, but no Upgrade', [['Connection', 'Upgrade']], 'HTTP/1.1'], ['Connection: upgrades', [['Connection', 'upgrades'], ['Upgrade', 'capitals']], 'HTTP/1.1'], ['HTTP/1.0', asked, 'HTTP/1.0']] as [string, Pairs, string][]) {
        const client = await world.connect(server, { label: `client with ${what}` });
        client.write(requestBytes('GET', '/', { fields, version })).end();
        await over(client);
        check(!/^HTTP\/1\.1 101/.test(client.received.toString('latin1')), { sent: client.describeSent(), received: client.describe(), expected: 'no 101' });
      }
      const forged = await world.connect(server, { label: 'client whose handler puts CRLF into a field of the 101' });
      forged.write(requestBytes('GET', '/forged', { fields: asked })).end();
      await over(forged);
      check(!/^x-evil/im.test(forged.received.toString('latin1').replaceAll('\r', '\n')), { kind: 'wrong bytes', sent: forged.describeSent(), received: forged.describe(), expected: 'a 500 or a closed connection: no field writes another one (RFC 9110 §5.5)' });
      const broken = await world.http(server, { label: 'client whose connection is taken over by a function that throws' });
      broken.send('GET', '/throws', { fields: asked });
      await over(broken.tcp, 'the connection is closed: nobody has it');
      const http = await world.http(server);
      http.send('GET', '/', { fields: asked });
      expectStatus(await http.response(), 101, http.tcp.describeSent());
      await eventually(world, async () => (await world.call('connections')) === 1, { sent: 'GET / with Upgrade', received: 'the count of connections is not 1', expected: 'connections is 1: the one that was handed over' });
      await world.call('beginClose', 100);
      await over(http.tcp, 'a connection that was handed over is cut at the deadline of closeGracefully');
      await world.call('awaitClose');
      check((await world.call('connections')) === 0, { sent: 'closeGracefully', received: 'a connection is still counted', expected: 'none' });
    },
  );

  rule(
    'plays-the-client',
    "reads responses in the client's role, in whatever pieces they come",
    {
      rule: 'where the body of a response ends depends on the request, too (RFC 9112 §6.3)',
      likely: 'the framing of a response is decided in the same way as that of a request',
    },
    async ({ call, random }) => {
      const body = random.bytes(random.integer(1, 300));
      const text = (head: string): Buffer => Buffer.from(head.replaceAll('\n', '\r\n'), 'latin1');
      const long = `Content-Length: ${body.length}\n\n`;
      const empty = Buffer.alloc(0);
      const cases: { what: string; method?: string; bytes: Buffer[]; body: Buffer; status?: number; interim?: number[]; trailers?: Pairs; eof?: boolean; persists?: boolean }[] = [
        { what: 'a length', bytes: [text(`HTTP/1.1 200 OK\n${long}`), body], body },
        { what: 'chunks and a trailer', bytes: [text('HTTP/1.1 200 \nTransfer-Encoding: chunked\n\n'), chunkedBytes(random.pieces(body, 40), [['X-Sum', 'a']])], body, trailers: [['X-Sum', 'a']] },
        { what: '204', bytes: [text('HTTP/1.1 204 No Content\n\n')], body: empty, status: 204 },
        { what: '304 with a length', bytes: [text(`HTTP/1.1 304 Not Modified\n${long}`)], body: empty, status: 304 },
        { what: 'an answer to HEAD', method: 'HEAD', bytes: [text(`HTTP/1.1 200 OK\n${long}`)], body: empty },
        { what: 'chunks to HEAD', method: 'HEAD', bytes: [text('HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n')], body: empty },
        { what: '103, then 200', bytes: [text(`HTTP/1.1 103 Early Hints\nLink: </a>\n\nHTTP/1.1 200 OK\n${long}`), body], body, interim: [103] },
        { what: 'an empty body', bytes: [text('HTTP/1.1 200 OK\nContent-Length: 0\n\n')], body: empty },
        { what: 'Connection: close', bytes: [text(`HTTP/1.1 200 OK\nConnection: close\n${long}`), body], body, persists: false },
        { what: 'HTTP/1.0', bytes: [text(`HTTP/1.0 200 OK\n${long}`), body], body, persists: false },
        { what: 'a body up to the close', bytes: [text('HTTP/1.1 200 OK\n\n'), body], body, eof: true, persists: false },
      ];
      for (const { what, method = 'GET', bytes, body: wanted, status = 200, interim = [], trailers = [], eof = false, persists = true } of cases) {
        const whole = Buffer.concat(bytes);
        for (const pieces of [[whole], random.pieces(whole, 30), random.pieces(whole, 1)]) {
          const request = { method, target: '/a', headers: [['Host', 'a']] as Pairs };
          const [outcome] = await call('asClient', [{ request, pieces, eof }]);
          const sent = `${what}, in ${count(pieces.length, 'piece')}: ${JSON.stringify(whole.toString('latin1', 0, 60))}`;
          check(outcome !== undefined && 'accepted' in outcome, { sent, received: JSON.stringify(outcome), expected: `status ${status} and ${count(wanted.length, 'byte')}` });
          const seen = outcome.accepted;
          check(seen.sent.startsWith(`${method} /a HTTP/1.1\r\n`), { sent: `{ type: 'request', method: '${method}', target: '/a' }`, received: JSON.stringify(seen.sent), expected: 'its request line' });
          check(
            seen.response?.status === status && seen.interim.join() === interim.join() && wanted.equals(seen.body) && JSON.stringify(seen.trailers) === JSON.stringify(trailers) && seen.persists === persists,
            {
              sent,
              received: `${[...seen.interim, seen.response?.status].join(', ')}; ${count(seen.body.length, 'byte')}; ${seen.trailers === undefined ? 'not at its end' : `trailers ${JSON.stringify(seen.trailers)}`}; ${seen.persists ? 'ready for another request' : 'no other request'}`,
              expected: `${[...interim, status].join(', ')}; ${count(wanted.length, 'byte')}; trailers ${JSON.stringify(trailers)}; ${persists ? 'ready for another request' : 'no other request'}`,
            },
          );
        }
      }
      // One exchange after another, and a body that breaks off.
      const request = { method: 'POST', target: '/b', headers: [['Host', 'a']] as Pairs, body: 'to the server' };
      const whole = Buffer.concat([text(`HTTP/1.1 200 OK\n${long}`), body]);
      const several = await call('asClient', Array.from({ length: 3 }, () => ({ request, pieces: random.pieces(whole, 50) })));
      for (const outcome of several) {
        check('accepted' in outcome && body.equals(outcome.accepted.body) && outcome.accepted.sent.endsWith('\r\n\r\nto the server'), { sent: 'three POSTs, one after the other', received: JSON.stringify(outcome).slice(0, 200), expected: `each sent with its body, each answered with ${count(body.length, 'byte')}` });
      }
      const [broken] = await call('asClient', [{ request, pieces: [whole.subarray(0, -1)], eof: true }]);
      check(broken !== undefined && !('accepted' in broken), { sent: `a response of ${count(body.length - 1, 'byte')} where Content-Length says ${body.length}, then the end of the connection`, received: 'a response that is whole', expected: 'RemoteProtocolError (RFC 9112 §8)' });
    },
  );

  rule(
    'asks-as-a-client',
    "writes requests in the client's role, and refuses what is not a response",
    {
      rule: 'a request says how long its body is, and says nothing if it has none (RFC 9110 §8.6); a status line is a version, three digits and a reason (RFC 9112 §4)',
      likely: 'lengths count characters, or only the digits of a status line are checked',
    },
    async ({ call, random }) => {
      const ok = [Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')];
      const host: Pairs = [['Host', 'a']];
      const words = `${random.words(2)} grüße`;
      const lengthOf = (sent: string): string | undefined => /^content-length: (.*)\r$/im.exec(sent)?.[1];
      const sendings: [request: { method: string; target: string; headers: Pairs; body?: string }, length: string | undefined][] = [
        [{ method: 'POST', target: '/', headers: host, body: words }, String(Buffer.byteLength(words))],
        [{ method: 'POST', target: '/', headers: [...host, ['Content-Length', String(Buffer.byteLength(words))]], body: words }, String(Buffer.byteLength(words))],
        [{ method: 'POST', target: '/', headers: host, body: '' }, '0'],
        [{ method: 'POST', target: '/', headers: host }, undefined],
        [{ method: 'POST', target: '/', headers: [...host, ['Content-Length', '0']] }, '0'],
        ...['GET', 'HEAD', 'DELETE', 'OPTIONS'].map((method): [{ method: string; target: string; headers: Pairs; body: string }, undefined] => [{ method, target: '/', headers: host, body: '' }, undefined]),
        [{ method: 'GET', target: '/', headers: host, body: 'x' }, '1'],
      ];
      for (const [request, length] of sendings) {
        const [outcome] = await call('asClient', [{ request, pieces: ok }]);
        const sent = JSON.stringify(request);
        check(outcome !== undefined && 'accepted' in outcome && lengthOf(outcome.accepted.sent) === length && outcome.accepted.sent.endsWith(`\r\n\r\n${request.body === undefined ? '' : Buffer.from(request.body).toString('latin1')}`), {
          sent,
          received: outcome !== undefined && 'accepted' in outcome ? JSON.stringify(outcome.accepted.sent) : JSON.stringify(outcome),
          expected: length === undefined ? 'no Content-Length' : `Content-Length: ${length}, and the body`,
        });
      }
      const [chunked] = await call('asClient', [{ request: { method: 'POST', target: '/', headers: [...host, ['Transfer-Encoding', 'chunked']] }, pieces: ok }]);
      check(chunked !== undefined && 'accepted' in chunked && /^transfer-encoding: chunked\r$/im.test(chunked.accepted.sent) && lengthOf(chunked.accepted.sent) === undefined, { sent: 'a request with Transfer-Encoding: chunked', received: JSON.stringify(chunked), expected: 'that field, and no Content-Length' });
      const [last] = await call('asClient', [{ request: { method: 'GET', target: '/', headers: [...host, ['Connection', 'close']] }, pieces: ok }]);
      check(last !== undefined && 'accepted' in last && /^connection: close\r$/im.test(last.accepted.sent) && !last.accepted.persists, { sent: 'a request with Connection: close', received: JSON.stringify(last), expected: 'the field is sent, and the connection does not persist' });
      const unsendable: { method: string; target: string; headers: Pairs; body?: string }[] = [
        { method: 'G T', target: '/', headers: host },
        { method: '', target: '/', headers: host },
        { method: 'GET', target: '', headers: host },
        { method: 'GET', target: '/a b', headers: host },
        { method: 'GET', target: '/\r\nX: y', headers: host },
        { method: 'POST', target: '/', headers: [...host, ['Content-Length', '1'], ['Transfer-Encoding', 'chunked']] },
      ];
      for (const request of unsendable) {
        const [outcome] = await call('asClient', [{ request, pieces: ok }]);
        check(outcome !== undefined && 'threw' in outcome, { sent: JSON.stringify(request), received: JSON.stringify(outcome), expected: 'LocalProtocolError: it cannot be sent' });
      }
      const request = { method: 'GET', target: '/', headers: host };
      for (const line of ['HTTP/1.1 99 Low', 'HTTP/1.1 2000 Long', 'HTTP/1.1 20 Short', 'HTTP/1.1  200 OK', 'HTTP/1.1200 OK', 'HTTP/1.1 200OK', 'HTTP/1.1 2x0 OK', 'HTTP/1.1 200 \u0001', 'HTTP/2.0 200 OK', 'ICY 200 OK', '200 OK']) {
        const [outcome] = await call('asClient', [{ request, pieces: [Buffer.from(`${line}\r\nContent-Length: 0\r\n\r\n`, 'latin1')] }]);
        check(outcome !== undefined && !('accepted' in outcome), { sent: JSON.stringify(line), received: JSON.stringify(outcome), expected: 'RemoteProtocolError: not a status line' });
      }
      for (const [line, reason] of [['HTTP/1.1 200 All is well', 'All is well'], ['HTTP/1.1 200 ', ''], ['HTTP/1.1 599 x', 'x'], ['HTTP/1.0 204 y', 'y']]) {
        const [outcome] = await call('asClient', [{ request, pieces: [Buffer.from(`${line}\r\nContent-Length: 0\r\n\r\n`, 'latin1')] }]);
        check(outcome !== undefined && 'accepted' in outcome && outcome.accepted.response?.reason === reason && outcome.accepted.response?.status === Number(line?.slice(9, 12)), { sent: JSON.stringify(line), received: JSON.stringify(outcome), expected: `status ${line?.slice(9, 12)}, reason ${JSON.stringify(reason)}` });
      }
      const [cut] = await call('asClient', [{ request, pieces: [Buffer.from('HTTP/1.1 200 OK\r\nContent-')], eof: true }]);
      check(cut !== undefined && !('accepted' in cut), { sent: 'half a head, then the end of the connection', received: JSON.stringify(cut), expected: 'RemoteProtocolError: it is not whole' });
      const [none] = await call('asClient', [{ request, pieces: [], eof: true }]);
      check(none !== undefined && !('accepted' in none), { sent: 'nothing, and the end of the connection', received: JSON.stringify(none), expected: 'RemoteProtocolError: there is no response' });
    },
  );
});
