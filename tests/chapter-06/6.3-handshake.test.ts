import { createHash } from 'node:crypto';
import { exercise } from '#support/exercise.ts';
import type { World } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { requestBytes } from '#support/http-client.ts';
import { expectBody, expectStatus, showResponse } from '#support/http-exchange.ts';
import { fieldTokens, fieldValue, fieldValues } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address } from '#support/tcp-client.ts';
import { brokenOffers } from './cases/index.ts';
import { clientsOfOthers } from './clients-of-others.ts';
import type driver from './driver.ts';
import { handshakeFields } from './frame-client.ts';
import type { TellsOffer } from './handshake-calls.ts';

type HandshakeWorld = World<typeof driver>;

/** Fields of a handshake that are others than they should be; `null` for one that is left out. */
type Changes = Readonly<Record<string, string | readonly string[] | null>>;

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const EVERY_REFUSAL = Array.from({ length: 100 }, (_, i) => 400 + i);

function fieldsWith({ random }: HandshakeWorld, changes: Changes): [string, string][] {
  const names = new Set(Object.keys(changes));
  const kept = handshakeFields(random).filter(([name]) => !names.has(name));
  return [...kept, ...Object.entries(changes).flatMap(([name, value]) => (value === null ? [] : [value].flat().map((one): [string, string] => [name, one as string])))];
}

/** The answer to a handshake on a connection of its own, and what was sent in words. */
async function answerTo(world: HandshakeWorld, server: Address, changes: Changes = {}, { method = 'GET', version = 'HTTP/1.1', target = '/' } = {}): Promise<{ response: HttpTestResponse; sent: string }> {
  const http = await world.http(server);
  http.send(method, target, { fields: fieldsWith(world, changes), version });
  const changed = Object.entries(changes).flatMap(([name, value]) => (value === null ? [`no ${name}`] : [value].flat().map((one) => `${name}: ${String(one)}`)));
  const sent = [`${method} ${target} ${version}`, ...changed].join(', ');
  return { response: await http.response({ sent }), sent };
}

async function expectAccepted(world: HandshakeWorld, server: Address, changes: Changes = {}): Promise<HttpTestResponse> {
  const { response, sent } = await answerTo(world, server, changes);
  expectStatus(response, 101, sent);
  return response;
}

async function expectRefused(world: HandshakeWorld, server: Address, changes: Changes, statuses: readonly number[] = EVERY_REFUSAL): Promise<HttpTestResponse> {
  const { response, sent } = await answerTo(world, server, changes);
  expectRefusal(response, sent, statuses);
  return response;
}

function expectRefusal(response: HttpTestResponse, sent: string, statuses: readonly number[] = EVERY_REFUSAL): void {
  const expected = statuses.length > 10 ? 'a status of 400 to 499' : `status ${statuses.join(' or ')}`;
  check(statuses.includes(response.status), { sent, received: showResponse(response), expected });
  check(fieldValue(response, 'sec-websocket-accept') === undefined, { sent, received: `${response.status} with Sec-WebSocket-Accept`, expected: 'no proof where nothing was accepted' });
}

function offerOf(response: HttpTestResponse): TellsOffer {
  return JSON.parse(fieldValue(response, 'x-offer') ?? '{}') as TellsOffer;
}

function base64(bytes: number, fill = 1): string {
  return Buffer.alloc(bytes, fill).toString('base64');
}

exercise<typeof driver>('6.3', import.meta.url, (rule) => {
  rule(
    'proves-that-it-understood',
    'answers with 101 and the proof that it has read the key',
    {
      rule: 'Sec-WebSocket-Accept is the SHA-1 of the key and the GUID after it, in base64; the key is used as it was sent and not decoded (RFC 6455 §4.2.2)',
      likely: 'the digest is of the decoded key, in another order, or written in hexadecimal',
    },
    async (world) => {
      const server = await world.call('serveHandshakes');
      const keys = ['dGhlIHNhbXBsZSBub25jZQ==', ...Array.from({ length: 4 }, () => world.random.bytes(16).toString('base64')), base64(16, 0xff), base64(16, 0xfb)];
      for (const key of keys) {
        const { response, sent } = await answerTo(world, server, { 'Sec-WebSocket-Key': key });
        expectStatus(response, 101, sent);
        const wanted = createHash('sha1').update(key + GUID).digest('base64');
        check(fieldValue(response, 'sec-websocket-accept') === wanted, { sent, received: `Sec-WebSocket-Accept: ${fieldValue(response, 'sec-websocket-accept') ?? 'none'}`, expected: `Sec-WebSocket-Accept: ${wanted}` });
        check(fieldValue(response, 'upgrade')?.toLowerCase() === 'websocket' && fieldTokens(response, 'connection').includes('upgrade'), {
          sent, received: `Upgrade: ${fieldValue(response, 'upgrade') ?? 'none'}, Connection: ${fieldValue(response, 'connection') ?? 'none'}`, expected: 'Upgrade: websocket, Connection: Upgrade',
        });
        for (const name of ['sec-websocket-protocol', 'sec-websocket-extensions']) {
          check(fieldValues(response, name).length === 0, { sent, received: `${name}: ${fieldValue(response, name)}`, expected: `no ${name}: nothing was offered` });
        }
      }
    },
  );

  rule(
    'only-by-get',
    'refuses every method but GET',
    {
      rule: 'a handshake is a GET request (RFC 6455 §4.2.1); a 405 says in Allow which method would do (RFC 9110 §15.5.6)',
      likely: 'the method is not looked at',
    },
    async (world) => {
      const server = await world.call('serveHandshakes');
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'get']) {
        const { response, sent } = await answerTo(world, server, {}, { method });
        expectRefusal(response, sent, [...EVERY_REFUSAL, 501]);
        if (response.status === 405) check(fieldTokens(response, 'allow').includes('get'), { sent, received: `405 with Allow: ${fieldValue(response, 'allow') ?? 'none'}`, expected: '405 with GET in Allow' });
      }
    },
  );

  rule(
    'only-by-http-1-1',
    'refuses HTTP/1.0',
    {
      rule: 'the request uses HTTP/1.1 or later (RFC 6455 §4.2.1): HTTP/1.0 has no Upgrade',
      likely: 'the version is not looked at',
    },
    async (world) => {
      const server = await world.call('serveHandshakes');
      for (const changes of [{}, { Connection: 'keep-alive, Upgrade' }]) {
        const { response, sent } = await answerTo(world, server, changes, { version: 'HTTP/1.0' });
        expectRefusal(response, sent, [...EVERY_REFUSAL, 505]);
      }
    },
  );

  rule(
    'upgrade-among-others',
    'finds the tokens in lists, in upper or lower case',
    {
      rule: 'Upgrade and Connection are lists of tokens, possibly on several lines, and case does not matter (RFC 9110 §7.6.1, §7.8)',
      likely: 'the whole value is compared, or only the first line',
    },
    async (world) => {
      const server = await world.call('serveHandshakes');
      const accepted: Changes[] = [
        { Upgrade: 'WebSocket' }, { Upgrade: 'WEBSOCKET' }, { Upgrade: 'h2c, websocket' }, { Upgrade: 'websocket,h2c' }, { Upgrade: ['h2c', 'websocket'] },
        { Connection: 'upgrade' }, { Connection: 'UPGRADE' }, { Connection: 'keep-alive, Upgrade' }, { Connection: 'Upgrade,keep-alive' }, { Connection: ['keep-alive', 'Upgrade'] }, { Connection: 'keep-alive ,\tupgrade' },
      ];
      for (const changes of accepted) await expectAccepted(world, server, changes);
    },
  );

  rule(
    'nothing-to-upgrade-to',
    'refuses a request that does not ask for a WebSocket',
    {
      rule: 'Upgrade has the token websocket, and Connection the token upgrade (RFC 6455 §4.2.1); a 426 has an Upgrade field that says what to ask for (RFC 9110 §15.5.22)',
      likely: 'a part of a token is mistaken for the token: `includes` on the whole value finds `websocket2`',
    },
    async (world) => {
      const server = await world.call('serveHandshakes');
      const refused: Changes[] = [
        { Upgrade: null }, { Upgrade: 'h2c' }, { Upgrade: 'websocket2' }, { Upgrade: 'x-websocket' }, { Upgrade: 'web socket' }, { Upgrade: null, Connection: null },
        { Connection: null }, { Connection: 'keep-alive' }, { Connection: 'upgrades' }, { Connection: 'no-upgrade' }, { Connection: 'websocket' },
      ];
      for (const changes of refused) {
        const response = await expectRefused(world, server, changes);
        if (response.status !== 426) continue;
        check(fieldTokens(response, 'upgrade').includes('websocket'), { sent: JSON.stringify(changes), received: `426 with Upgrade: ${fieldValue(response, 'upgrade') ?? 'none'}`, expected: '426 with Upgrade: websocket' });
      }
    },
  );

  rule(
    'another-version',
    'answers another version with 426 and the version that it speaks',
    {
      rule: 'a version that the server does not speak is answered with 426 and a Sec-WebSocket-Version that names the one that it does: 13 (RFC 6455 §4.2.2, §4.4)',
      likely: 'the answer is 400, or a 426 that does not say which version would do',
    },
    async (world) => {
      const server = await world.call('serveHandshakes');
      for (const version of ['8', '7', '0', '12', '14', '25', '255']) {
        const response = await expectRefused(world, server, { 'Sec-WebSocket-Version': version }, [426]);
        check(fieldTokens(response, 'sec-websocket-version').includes('13'), {
          sent: `Sec-WebSocket-Version: ${version}`, received: `426 with Sec-WebSocket-Version: ${fieldValue(response, 'sec-websocket-version') ?? 'none'}`, expected: 'Sec-WebSocket-Version: 13',
        });
        check(fieldTokens(response, 'upgrade').includes('websocket'), { sent: `Sec-WebSocket-Version: ${version}`, received: `426 with Upgrade: ${fieldValue(response, 'upgrade') ?? 'none'}`, expected: 'Upgrade: websocket (RFC 9110 §15.5.22)' });
      }
    },
  );

  rule(
    'no-version-at-all',
    'refuses a version that is missing or is not a number',
    {
      rule: 'Sec-WebSocket-Version is there, and it is 13 (RFC 6455 §4.2.1): a number without leading zeros (§4.3)',
      likely: '`Number` reads more than numbers: 013, 13.0, 0xd; and what is missing is let through',
    },
    async (world) => {
      const server = await world.call('serveHandshakes');
      for (const version of [null, '', '013', '13.0', '+13', '0xd', '1e1', '13a', 'thirteen', '13;13', '-13']) await expectRefused(world, server, { 'Sec-WebSocket-Version': version });
    },
  );

  rule(
    'key-of-sixteen-bytes',
    'refuses a key that is not sixteen bytes in base64',
    {
      rule: 'Sec-WebSocket-Key is there, and decoded it has 16 bytes (RFC 6455 §4.2.1); base64 has its padding, and an alphabet of 64 characters (RFC 4648 §4)',
      likely: 'the key is not checked, or is given to Buffer.from, which takes anything and skips what is not base64',
    },
    async (world) => {
      const server = await world.call('serveHandshakes');
      const right = world.random.bytes(16).toString('base64');
      const keys = [
        null, '', 'x', base64(15), base64(17), base64(18), base64(32), base64(0), right.slice(0, 22), `${right.slice(0, 22)}=`, `${right}=`, `${right}==`, `=${right}`,
        `${right.slice(0, 10)}!${right.slice(11)}`, `${right.slice(0, 10)}-_${right.slice(12)}`, `${right.slice(0, 4)} ${right.slice(4)}`, `${right.slice(0, 11)}.${right.slice(11)}`, '!'.repeat(22) + '==', `${right}, ${right}`,
      ];
      for (const key of keys) await expectRefused(world, server, { 'Sec-WebSocket-Key': key });
      await expectAccepted(world, server, { 'Sec-WebSocket-Key': right });
    },
  );

  rule(
    'once-and-not-twice',
    'refuses a field that is there twice and may be there once',
    {
      rule: 'Sec-WebSocket-Key and Sec-WebSocket-Version MUST NOT appear more than once (RFC 6455 §11.3.1, §11.3.5); with two Origins, nobody knows which one is meant',
      likely: 'the first line is taken, or the last; `get` joins them with a comma',
    },
    async (world) => {
      const server = await world.call('serveHandshakes', { origins: ['https://good.example'] });
      const [one, another] = [world.random.bytes(16).toString('base64'), world.random.bytes(16).toString('base64')];
      const refused: Changes[] = [
        { 'Sec-WebSocket-Key': [one, another] }, { 'Sec-WebSocket-Key': [one, one] }, { 'Sec-WebSocket-Version': ['13', '13'] }, { 'Sec-WebSocket-Version': ['13', '8'] }, { 'Sec-WebSocket-Version': ['8', '13'] },
        { Origin: ['https://good.example', 'https://bad.example'] }, { Origin: ['https://bad.example', 'https://good.example'] },
      ];
      for (const changes of refused) await expectRefused(world, server, changes);
    },
  );

  rule(
    'one-subprotocol-or-none',
    'chooses the first of its subprotocols that is offered, or none',
    {
      rule: 'the answer names one of the client\'s subprotocols, or has no Sec-WebSocket-Protocol (RFC 6455 §4.2.2); of those that both speak, it is the server\'s first choice',
      likely: 'the client\'s first choice is taken whether the server speaks it or not, or its whole list is sent back',
    },
    async (world) => {
      const server = await world.call('serveHandshakes', { subprotocols: ['chat.v2', 'chat', 'log'] });
      const cases: [offer: string | string[] | null, chosen: string | undefined][] = [
        ['chat', 'chat'], ['chat, chat.v2', 'chat.v2'], ['soap,chat', 'chat'], ['log, soap, chat', 'chat'], [['soap', 'log'], 'log'], [['log', 'chat.v2'], 'chat.v2'], ['soap', undefined], ['chat.v3, cha, chatt', undefined], [null, undefined],
      ];
      for (const [offer, chosen] of cases) {
        const response = await expectAccepted(world, server, { 'Sec-WebSocket-Protocol': offer });
        const answered = fieldValues(response, 'sec-websocket-protocol');
        check(answered.length === (chosen === undefined ? 0 : 1) && answered[0] === chosen, {
          sent: `Sec-WebSocket-Protocol: ${offer === null ? 'none' : [offer].flat().join(' and in a second line ')}`,
          received: answered.length === 0 ? 'no Sec-WebSocket-Protocol' : `Sec-WebSocket-Protocol: ${answered.join(' and ')}`,
          expected: chosen === undefined ? 'no Sec-WebSocket-Protocol' : `Sec-WebSocket-Protocol: ${chosen}`,
        });
      }
      const mute = await world.call('serveHandshakes', {});
      const response = await expectAccepted(world, mute, { 'Sec-WebSocket-Protocol': 'chat' });
      check(fieldValues(response, 'sec-websocket-protocol').length === 0, { sent: 'a subprotocol to a server that speaks none', received: `Sec-WebSocket-Protocol: ${fieldValue(response, 'sec-websocket-protocol')}`, expected: 'no Sec-WebSocket-Protocol' });
    },
  );

  rule(
    'subprotocols-as-they-are',
    'reads subprotocols from all lines, as they are written',
    {
      rule: 'Sec-WebSocket-Protocol is a list of tokens in the client\'s order, and may be there more than once (RFC 6455 §11.3.4); a client compares the answer with what it has sent, so their case counts',
      likely: 'names are converted to lower case, or only one line is read',
    },
    async (world) => {
      const server = await world.call('serveHandshakes', { subprotocols: ['chat', 'V2.Chat'] });
      const { random } = world;
      const some = [`${random.word()}.${random.word()}`, `${random.word().toUpperCase()}!`, `~${random.word()}`];
      const offers: [string | string[], string[]][] = [[some.join(', '), some], [some.join(',\t'), some], [[some[0]!, some.slice(1).join(' ,')], some], ['CHAT, v2.chat', ['CHAT', 'v2.chat']]];
      for (const [offer, list] of offers) {
        const response = await expectAccepted(world, server, { 'Sec-WebSocket-Protocol': offer });
        const { subprotocols } = offerOf(response);
        check(JSON.stringify(subprotocols) === JSON.stringify(list), { sent: `Sec-WebSocket-Protocol: ${[offer].flat().join(' and in a second line ')}`, received: `subprotocols ${JSON.stringify(subprotocols)}`, expected: `subprotocols ${JSON.stringify(list)}` });
        check(fieldValues(response, 'sec-websocket-protocol').length === 0, { sent: `Sec-WebSocket-Protocol: ${String(offer)}`, received: `Sec-WebSocket-Protocol: ${fieldValue(response, 'sec-websocket-protocol')}`, expected: 'none of them: the server speaks chat and V2.Chat' });
      }
      for (const offer of ['chat room', 'chat/2', 'chat;q=1', '"chat"', 'chat, (log)', 'ch\u00e4t']) await expectRefused(world, server, { 'Sec-WebSocket-Protocol': offer });
    },
  );

  rule(
    'origins-that-may-come-in',
    'answers a page of an origin that is not allowed with 403',
    {
      rule: 'an Origin that is not on the server\'s list is answered with 403 (RFC 6455 §4.2.2, §10.2); a client that sends none is not a browser',
      likely: 'an origin is let in if it begins, or ends, like one that is allowed',
    },
    async (world) => {
      const origins = ['https://good.example', 'http://other.example:8443'];
      const server = await world.call('serveHandshakes', { origins });
      for (const origin of [...origins, null]) await expectAccepted(world, server, { Origin: origin });
      const refused = [
        'https://bad.example', 'null', 'http://good.example', 'https://good.example:8443', 'https://good.example.bad.example', 'https://notgood.example', 'https://sub.good.example', 'https://good.exampl',
        'http://other.example', 'http://other.example:84431', 'https://good_example',
      ];
      for (const origin of refused) await expectRefused(world, server, { Origin: origin }, [403]);
      // A value that is not an origin at all (RFC 6454 §7.1) may also be treated as a broken handshake.
      for (const origin of ['https://good.example/', 'good.example', 'https://bad.example/https://good.example', 'https://bad.example https://good.example', '']) {
        await expectRefused(world, server, { Origin: origin }, [400, 403]);
      }
      const open = await world.call('serveHandshakes', {});
      await expectAccepted(world, open, { Origin: `https://${world.random.word()}.example` });
      const closed = await world.call('serveHandshakes', { origins: [] });
      await expectRefused(world, closed, { Origin: 'https://good.example' }, [403]);
    },
  );

  rule(
    'broken-extensions',
    'refuses a list of extensions that breaks its grammar',
    {
      rule: 'Sec-WebSocket-Extensions is a list of tokens with parameters (RFC 6455 §9.1); with anything else in it the handshake is refused: 400',
      likely: '`parseExtensions` returns null, and nobody checks',
    },
    async (world) => {
      const server = await world.call('serveHandshakes');
      // An empty value is a list of nothing to some, and none to others.
      for (const offer of brokenOffers.filter((one) => one !== '' && one !== ',')) await expectRefused(world, server, { 'Sec-WebSocket-Extensions': offer });
      await expectRefused(world, server, { 'Sec-WebSocket-Extensions': ['x-right', 'x-wrong; ='] });
    },
  );

  rule(
    'unknown-extensions',
    'accepts a client whose extensions it does not know, without them',
    {
      rule: 'a server answers with the extensions that it will use, and passes over the others (RFC 6455 §9.1); if it uses none, there is no Sec-WebSocket-Extensions',
      likely: 'what is offered is sent back, or an unknown extension is refused',
    },
    async (world) => {
      const server = await world.call('serveHandshakes');
      for (const offer of ['x-unknown', 'x-unknown; a; b=1; c="d"', `x-${world.random.word()}, permessage-deflate; client_max_window_bits`, ['x-one', 'x-two; three=4'], ', x-unknown ,, y']) {
        const response = await expectAccepted(world, server, { 'Sec-WebSocket-Extensions': offer });
        check(fieldValues(response, 'sec-websocket-extensions').length === 0, { sent: `Sec-WebSocket-Extensions: ${String(offer)}`, received: `Sec-WebSocket-Extensions: ${fieldValue(response, 'sec-websocket-extensions')}`, expected: 'no Sec-WebSocket-Extensions' });
      }
      const two = offerOf(await expectAccepted(world, server, { 'Sec-WebSocket-Extensions': ['x-one', 'x-two; three=4'] }));
      const names = two.extensions.map((extension) => (extension as { name?: unknown }).name);
      check(names.join() === 'x-one,x-two', { sent: 'Sec-WebSocket-Extensions in two lines: x-one, and x-two; three=4', received: `the offer has ${JSON.stringify(two.extensions)}`, expected: 'both, in their order' });
    },
  );

  rule(
    'bytes-after-the-handshake',
    'keeps the bytes that come in one packet with the handshake',
    {
      rule: 'a client sends nothing before it has the 101; but what it sends then may be read together with the end of a head that came in pieces, and what comes early is not lost either (RFC 6455 §4.1)',
      likely: 'the 101 is written by other means than `HttpResponse.switchingProtocols`, which hands over what has arrived',
    },
    async (world) => {
      const server = await world.call('serveHandshakes');
      const { random } = world;
      const head = requestBytes('GET', '/', { fields: handshakeFields(random) });
      const after = random.bytes(random.integer(6, 80));
      const inOne = await world.http(server);
      inOne.sendBytes(Buffer.concat([head, after]));
      const inPieces = await world.http(server);
      await inPieces.announce('GET').tcp.writeByteByByte(head);
      inPieces.tcp.write(after);
      for (const [client, how] of [[inOne, 'in one write'], [inPieces, 'byte by byte']] as const) {
        const response = await client.response();
        expectStatus(response, 101, `a handshake ${how}`);
        await client.tcp.until(() => client.leftOver.length >= after.length, { sent: `a handshake ${how}, and ${after.length} bytes`, expected: 'the bytes, as they were sent' });
        check(client.leftOver.equals(after), { sent: `a handshake ${how}, and ${after.length} bytes`, received: client.leftOver.toString('hex'), expected: after.toString('hex') });
      }
    },
  );

  rule(
    'pages-beside-it',
    'answers other requests as before, before a handshake and beside it',
    {
      rule: 'a WebSocket begins as a request like any other (RFC 6455 §1.3): one server, one port, and on one connection plain requests before it',
      likely: 'a refusal, or a plain request, leaves something behind that disturbs the next request',
    },
    async (world) => {
      const server = await world.call('serveHandshakes');
      const open = await world.http(server);
      open.send('GET', '/', { fields: handshakeFields(world.random) });
      expectStatus(await open.response(), 101, 'a handshake');
      const http = await world.http(server);
      http.send('GET', '/plain').send('GET', '/plain').send('GET', '/', { fields: handshakeFields(world.random) });
      for (let i = 0; i < 2; i++) expectBody(await http.response(), 'plain', 'GET /plain');
      expectStatus(await http.response(), 101, 'a handshake after two requests');
      const { response, sent } = await answerTo(world, server, { Upgrade: null, Connection: null, 'Sec-WebSocket-Key': null, 'Sec-WebSocket-Version': null });
      expectRefusal(response, sent);
      const other = await world.http(server);
      other.send('GET', '/plain', { fields: [['Upgrade', 'h2c'], ['Connection', 'Upgrade']] });
      expectBody(await other.response(), 'plain', 'GET /plain, with an upgrade to something else');
    },
  );

  rule(
    'the-application-decides',
    'lets an application accept, refuse, and answer in its own words',
    {
      rule: 'a valid handshake is for the application to decide: 101 by `websocket.accept`, 403 by `websocket.close`, or a response of its own (docs/gateway-spec.md A71 to A74); an invalid one never reaches it (A2)',
      likely: 'an error of `readHandshake` is not an HttpError, and so it becomes a 500',
    },
    async (world) => {
      const server = await world.call('serveDecisions');
      const accepted = await expectAccepted(world, server, { 'Sec-WebSocket-Protocol': 'second, first' });
      check(fieldValue(accepted, 'sec-websocket-protocol') === 'second', { sent: 'Sec-WebSocket-Protocol: second, first, to an application that takes the first of them', received: `Sec-WebSocket-Protocol: ${fieldValue(accepted, 'sec-websocket-protocol') ?? 'none'}`, expected: 'second' });
      const refused = await answerTo(world, server, {}, { target: '/refuse' });
      expectRefusal(refused.response, refused.sent, [403]);
      const denied = await answerTo(world, server, {}, { target: '/deny' });
      expectRefusal(denied.response, denied.sent, [401]);
      expectBody(denied.response, 'who are you?', denied.sent);
      check(fieldValue(denied.response, 'www-authenticate') !== undefined, { sent: denied.sent, received: 'no WWW-Authenticate', expected: 'the fields of the application' });
      await expectRefused(world, server, { 'Sec-WebSocket-Key': 'short' });
      await expectRefused(world, server, { 'Sec-WebSocket-Version': '8' }, [426]);
    },
  );

  rule(
    'a-client-of-others',
    'opens WebSockets for clients that somebody else has written',
    {
      rule: 'Node\'s own WebSocket and the package ws check the proof, Upgrade and Connection, and the subprotocol (RFC 6455 §4.1)',
      likely: 'a field of the 101 is missing, or comes twice',
    },
    async (world) => {
      const server = await world.call('serveHandshakes', { subprotocols: ['chat', 'log'] });
      const url = `ws://${server.host}:${server.port}/`;
      for (const { name, Client } of clientsOfOthers) {
        for (const [offered, chosen] of [[[], ''], [['soap', 'log'], 'log'], [['log', 'chat'], 'chat']] as const) {
          const sent = `new WebSocket(${JSON.stringify(offered)}) of ${name}`;
          const events: string[] = [];
          const client = new Client(url, [...offered]);
          client.onopen = () => events.push('open');
          client.onerror = () => events.push('error');
          const seen = await world.subject.until(() => events.length > 0);
          check(events[0] === 'open', { sent, received: seen === 'met' ? 'an error event' : 'nothing', expected: 'the WebSocket opens' });
          check(client.protocol === chosen, { sent, received: `the subprotocol ${JSON.stringify(client.protocol)}`, expected: JSON.stringify(chosen) });
          client.onerror = () => {};
          client.close();
        }
      }
    },
  );

  rule(
    'lists-with-room',
    'reads a list of subprotocols with white space in it, and with empty members',
    {
      rule: 'around the commas of a list there may be any number of spaces and tabs (RFC 9110 §5.6.1, §5.6.3), and empty members are skipped (§5.6.1.2)',
      likely: 'only one space is taken off, or an empty element between two commas is refused',
    },
    async (world) => {
      const server = await world.call('serveHandshakes', { subprotocols: ['log'] });
      const { random } = world;
      const [one, another] = [random.word(), `${random.word()}.2`];
      const offers: (string | string[])[] = [
        `${one},   ${another},\t\t log`, `${one}  ,${another} \t ,log`, `${one},,${another}, ,log`, `,${one},${another},log`, `${one},${another},log,`, [`${one},`, ` ,${another},\t,log`],
      ];
      for (const offer of offers) {
        const response = await expectAccepted(world, server, { 'Sec-WebSocket-Protocol': offer });
        const sent = `Sec-WebSocket-Protocol: ${[offer].flat().map((line) => JSON.stringify(line)).join(' and in a second line ')}`;
        const { subprotocols } = offerOf(response);
        check(JSON.stringify(subprotocols) === JSON.stringify([one, another, 'log']), { sent, received: `subprotocols ${JSON.stringify(subprotocols)}`, expected: `subprotocols ${JSON.stringify([one, another, 'log'])}` });
        check(fieldValue(response, 'sec-websocket-protocol') === 'log', { sent, received: `Sec-WebSocket-Protocol: ${fieldValue(response, 'sec-websocket-protocol') ?? 'none'}`, expected: 'Sec-WebSocket-Protocol: log' });
      }
    },
  );

  rule(
    'not-what-nobody-offered',
    'never answers with a subprotocol that the client has not offered',
    {
      rule: 'the subprotocol of the answer is one of the client\'s, or there is none (RFC 6455 §4.2.2): code that chooses another one gets an error, and the client does not get a 101 that it would have to fail',
      likely: '`acceptHandshake` writes what it is given',
    },
    async (world) => {
      const insists = `chat.${world.random.word()}`;
      const server = await world.call('serveHandshakes', { insists });
      const response = await expectAccepted(world, server, { 'Sec-WebSocket-Protocol': `log, ${insists}` });
      check(fieldValue(response, 'sec-websocket-protocol') === insists, { sent: `Sec-WebSocket-Protocol: log, ${insists}`, received: `Sec-WebSocket-Protocol: ${fieldValue(response, 'sec-websocket-protocol') ?? 'none'}`, expected: `Sec-WebSocket-Protocol: ${insists}` });
      for (const offer of ['log', `${insists}x`, insists.toUpperCase(), null]) {
        const { response: other, sent } = await answerTo(world, server, { 'Sec-WebSocket-Protocol': offer });
        check(other.status !== 101, { sent: `${sent}, to a server that takes ${insists}`, received: `101 with Sec-WebSocket-Protocol: ${fieldValue(other, 'sec-websocket-protocol') ?? 'none'}`, expected: 'no 101' });
      }
    },
  );

  rule(
    'upgrade-of-this-connection',
    'names Upgrade in Connection when it answers with 426',
    {
      rule: 'a sender of Upgrade also names it in Connection, so that nobody in between passes it on (RFC 9110 §7.8)',
      likely: 'the fields of the 426 are not those of `upgradeRequired`',
    },
    async (world) => {
      const server = await world.call('serveHandshakes');
      for (const version of ['8', '14']) {
        const response = await expectRefused(world, server, { 'Sec-WebSocket-Version': version }, [426]);
        check(fieldTokens(response, 'connection').includes('upgrade'), { sent: `Sec-WebSocket-Version: ${version}`, received: `426 with Connection: ${fieldValue(response, 'connection') ?? 'none'}`, expected: 'Upgrade among the options of Connection' });
      }
    },
  );
});
