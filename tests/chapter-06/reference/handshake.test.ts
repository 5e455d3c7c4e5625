import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { serveHttp } from '../../../solutions/02-http/index.ts';
import type { HttpServer } from '../../../solutions/02-http/index.ts';
import { acceptKey, chooseSubprotocol, connectWebSocket, parseExtensions, WebSockets } from '../../../solutions/06-websocket/index.ts';
import { brokenOffers } from '../cases/index.ts';
import { ask, fieldsWith, headOf, RawClient } from './raw-client.ts';

let server: HttpServer;
const webSockets = new WebSockets({ origins: ['https://good.example'], deflate: true });

beforeAll(async () => {
  server = await serveHttp((request) => {
    const offer = webSockets.readOffer(request);
    const subprotocol = chooseSubprotocol(offer, ['chat.v2', 'chat']);
    return webSockets.accept(offer, { subprotocol, headers: [['X-More', '1']] }, (peer) => {
      peer.onMessage = (message) => void peer.send(message);
    });
  });
});
afterAll(() => server.close());

type Changes = Parameters<typeof fieldsWith>[0];

async function statusOf(changes: Changes, line?: string): Promise<number> {
  const { response, socket } = await ask(server.origin, headOf(fieldsWith(changes), line));
  socket.destroy();
  return response.status;
}

test('the key of RFC 6455 §1.3', () => {
  expect(acceptKey('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});

describe('accepted', () => {
  test('101 with the accept key and the fields of the server', async () => {
    const client = await RawClient.open(server.origin);
    const { headers } = client.response;
    expect(headers.get('sec-websocket-accept')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    expect(headers.get('upgrade')).toBe('websocket');
    expect(headers.get('connection')).toBe('Upgrade');
    expect(headers.get('x-more')).toBe('1');
    expect(headers.has('sec-websocket-protocol')).toBe(false);
    expect(headers.has('sec-websocket-extensions')).toBe(false);
    client.socket.destroy();
  });

  const accepted: [string, Changes][] = [
    ['Connection as a list, in any case', { Connection: 'keep-alive, UPGRADE' }],
    ['Connection in two lines', { Connection: ['keep-alive', 'Upgrade'] }],
    ['Upgrade as a list, in any case', { Upgrade: 'h2c, WebSocket' }],
    ['an allowed origin', { Origin: 'https://good.example' }],
    ['an allowed origin in other case', { Origin: 'HTTPS://GOOD.example' }],
    ['an extension that nobody knows', { 'Sec-WebSocket-Extensions': 'x-unknown; a="b"' }],
    ['empty members among the extensions', { 'Sec-WebSocket-Extensions': ', x-unknown ,, y' }],
  ];
  test.each(accepted)('%s', async (_, changes) => {
    expect(await statusOf(changes)).toBe(101);
  });

  test('the subprotocol is the first of ours that is offered, in two lines too', async () => {
    const client = await RawClient.open(server.origin, { 'Sec-WebSocket-Protocol': ['soap, chat', 'chat.v2'] });
    expect(client.response.headers.get('sec-websocket-protocol')).toBe('chat.v2');
    client.socket.destroy();
  });

  test('an extension with a quoted value is agreed on', async () => {
    const offer = 'permessage-deflate; server_max_window_bits="10"';
    const client = await RawClient.open(server.origin, { 'Sec-WebSocket-Extensions': offer });
    expect(client.response.headers.get('sec-websocket-extensions')).toBe('permessage-deflate; server_max_window_bits=10');
    client.socket.destroy();
  });
});

describe('refused', () => {
  const refused: [string, number, Changes][] = [
    ['no Upgrade', 426, { Upgrade: null }],
    ['Upgrade to something else', 426, { Upgrade: 'websocket2' }],
    ['no Connection', 400, { Connection: null }],
    ['Connection without upgrade', 400, { Connection: 'keep-alive' }],
    ['no key', 400, { 'Sec-WebSocket-Key': null }],
    ['a key of 15 bytes', 400, { 'Sec-WebSocket-Key': Buffer.alloc(15, 1).toString('base64') }],
    ['a key of 17 bytes', 400, { 'Sec-WebSocket-Key': Buffer.alloc(17, 1).toString('base64') }],
    ['a key that is not base64', 400, { 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' }],
    ['a key without its padding', 400, { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ' }],
    ['two keys', 400, { 'Sec-WebSocket-Key': ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='] }],
    ['no version', 400, { 'Sec-WebSocket-Version': null }],
    ['two versions', 400, { 'Sec-WebSocket-Version': ['13', '13'] }],
    ['version 8', 426, { 'Sec-WebSocket-Version': '8' }],
    ['version 14', 426, { 'Sec-WebSocket-Version': '14' }],
    ['another origin', 403, { Origin: 'https://bad.example' }],
    ['the origin null', 403, { Origin: 'null' }],
    ['two origins', 400, { Origin: ['https://good.example', 'https://good.example'] }],
    ['a subprotocol twice', 400, { 'Sec-WebSocket-Protocol': 'chat, chat' }],
    ['a subprotocol that is not a token', 400, { 'Sec-WebSocket-Protocol': 'chat room' }],
    ['a body', 400, { 'Content-Length': '5' }],
  ];
  test.each(refused)('%s: %i', async (_, status, changes) => {
    expect(await statusOf(changes)).toBe(status);
  });

  test('POST: 405', async () => {
    expect(await statusOf({}, 'POST / HTTP/1.1')).toBe(405);
  });

  test('HTTP/1.0: 400', async () => {
    expect(await statusOf({}, 'GET / HTTP/1.0')).toBe(400);
  });

  test('426 names the version that is spoken, and what to upgrade to', async () => {
    const { response, socket } = await ask(server.origin, headOf(fieldsWith({ 'Sec-WebSocket-Version': '8' })));
    expect(response.headers.get('sec-websocket-version')).toBe('13');
    expect(response.headers.get('upgrade')).toBe('websocket');
    socket.destroy();
  });

  test.each(brokenOffers.filter((offer) => offer !== ''))('extensions that break the grammar: %s', async (offer) => {
    expect(await statusOf({ 'Sec-WebSocket-Extensions': offer })).toBe(400);
  });
});

test('extensions are read with their parameters', () => {
  expect(parseExtensions('foo, bar; baz=2 ;q="x", foo')).toEqual([
    { name: 'foo', parameters: [] },
    { name: 'bar', parameters: [['baz', '2'], ['q', 'x']] },
    { name: 'foo', parameters: [] },
  ]);
});

test('our own client opens, with a subprotocol and deflate', async () => {
  const peer = await connectWebSocket(server.origin.replace('http', 'ws'), { subprotocols: ['chat'], deflate: true });
  expect(peer.subprotocol).toBe('chat');
  const long = 'so long '.repeat(1000);
  for (const message of ['short', long, long]) {
    peer.send(message);
    expect(await peer.receive()).toBe(message);
  }
  peer.close(3001, 'enough');
  expect(await peer.closed).toEqual({ code: 3001, reason: '', clean: true });
});

test('our own client is refused', async () => {
  const headers = [['Origin', 'https://bad.example']] as const;
  await expect(connectWebSocket(server.origin.replace('http', 'ws'), { headers })).rejects.toThrow('not accepted');
});
