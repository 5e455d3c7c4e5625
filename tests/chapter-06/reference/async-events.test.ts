import { connect } from 'node:net';
import { once } from 'node:events';

import { describe, expect, test } from 'vitest';

import { chat } from '../../../solutions/06-websocket/chat.ts';
import { EventSourceSender, asyncValidator, encodeComment, encodeEvent, lastEventId } from '../../../solutions/06-websocket/index.ts';
import type { AsyncBreach, HttpScope } from '../../../solutions/06-websocket/index.ts';
import { exchange, serve, serveHttpApp } from './async-support.ts';
import type { Served } from './async-support.ts';
import { until } from './waiting.ts';

describe('an event', () => {
  test.each([
    [{ data: 'a' }, 'data: a\n\n'],
    [{ data: '' }, 'data: \n\n'],
    [{ data: 'a\nb\r\nc\rd\n' }, 'data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n'],
    [{ data: ' a' }, 'data:  a\n\n'],
    [{ data: 'é', id: '7', event: 'said', retryMs: 500 }, 'retry: 500\nid: 7\nevent: said\ndata: é\n\n'],
    [{ data: 'a', id: '' }, 'id: \ndata: a\n\n'],
  ])('%j', (event, text) => {
    expect(encodeEvent(event).toString()).toBe(text);
  });

  test.each([
    { data: '', id: 'a\nb' }, { data: '', id: 'a\rb' }, { data: '', id: 'a\0b' }, { data: '', event: 'a\ndata: b' },
    { data: '', retryMs: -1 }, { data: '', retryMs: 1.5 },
  ])('%j is refused', (event) => {
    expect(() => encodeEvent(event)).toThrow(RangeError);
  });

  test('a comment is one on every line', () => {
    expect(encodeComment('a\ndata: b').toString()).toBe(': a\n: data: b\n\n');
  });

  test('the last id is read as UTF-8', () => {
    expect(lastEventId([['last-event-id', Buffer.from('é-1').toString('latin1')]])).toBe('é-1');
    expect(lastEventId([])).toBe('');
  });
});

describe('a stream', () => {
  test('greets, sends, keeps alive, and ends with its server', async () => {
    const sender = new EventSourceSender({ heartbeatMs: 20, retryMs: 100 });
    const served = await serveHttpApp((scope, _receive, send) => sender.run(scope, send));
    const socket = connect(served.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    await until(() => answer.includes('retry: 100\n\n'));
    expect(answer).toContain('Content-Type: text/event-stream\r\n');
    expect(sender.push({ data: 'a', id: '1' })).toBe(true);
    await until(() => /id: 1\ndata: a\n\n[^]*:\n\n/.test(answer));
    await served.server.closeGracefully();
    expect(answer).toMatch(/0\r\n\r\n$/);
    expect(sender.push({ data: 'b' })).toBe(false);
    expect(served.errors).toEqual([]);
  });

  test('of a client that does not read is ended', async () => {
    const sender = new EventSourceSender({ waitingMax: 4 });
    await using served = await serveHttpApp((scope, _receive, send) => sender.run(scope, send));
    const socket = connect(served.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    socket.pause();
    await until(() => served.server.http.connections === 1);
    await until(() => {
      for (let each = 0; each < 3; each++) if (!sender.push(Buffer.alloc(1 << 20))) return true;
      return false;
    });
    socket.destroy();
    expect(served.errors).toEqual([]);
  });

  /** Runs a sender by hand: each `send` waits for `go`. */
  function run(sender: EventSourceSender): { sent: string[]; go: () => void; untilOver: () => Promise<void> } {
    const { signal } = new AbortController();
    const sent: string[] = [];
    const waiting: (() => void)[] = [];
    const over = sender.run({ signal, stopping: signal } as HttpScope, (event) => {
      if (event.type === 'http.response.body') sent.push(Buffer.from(event.body ?? '').toString() + (event.moreBody ? '' : 'END'));
      return new Promise((resolve) => waiting.push(resolve));
    });
    const go = (): void => waiting.shift()?.();
    let ended = false;
    void over.then(() => (ended = true));
    const goOn = (): boolean => {
      go();
      return ended;
    };
    return { sent, go, untilOver: () => until(goOn, 'the end') };
  }

  test('that is ended while it sends has sent all that was taken', async () => {
    const sender = new EventSourceSender();
    const { sent, go, untilOver } = run(sender);
    expect(sender.push({ data: '1' })).toBe(true);
    go();
    await until(() => sent.length === 1, 'the greeting');
    expect(sender.push({ data: '2' })).toBe(true);
    go();
    await until(() => sent.length === 2, 'the first events');
    expect(sender.push({ data: '3' })).toBe(true);
    expect(sender.push({ data: '4' })).toBe(true);
    sender.end();
    expect(sender.push({ data: '5' })).toBe(false);
    await untilOver();
    expect(sent.slice(1).join('')).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\nEND');
  });

  test('for which too much waits has sent what was taken, and not what was refused', async () => {
    const sender = new EventSourceSender({ waitingMax: 2 });
    const { sent, untilOver } = run(sender);
    const taken = ['1', '2', '3', '4'].filter((data) => sender.push({ data }));
    await untilOver();
    expect(taken).toEqual(['1', '2']);
    expect(sent.slice(1).join('')).toBe('data: 1\n\ndata: 2\n\nEND');
  });
});

describe('the chat', () => {
  async function open(options = {}): Promise<Served & { breaches: AsyncBreach[] }> {
    const breaches: AsyncBreach[] = [];
    const served = await serve(asyncValidator(chat(options), { report: (list) => breaches.push(...list) }));
    return Object.assign(served, { breaches });
  }

  interface Member {
    readonly socket: WebSocket;
    readonly events: { type: string; [key: string]: unknown }[];
    closed: CloseEvent | null;
  }

  async function come(served: Served, name: string, { room = 'lobby', key = name, since = '' } = {}): Promise<Member> {
    const query = new URLSearchParams({ name, key, since });
    const socket = new WebSocket(`${served.origin.replace('http', 'ws')}/rooms/${room}/socket?${query}`);
    const member: Member = { socket, events: [], closed: null };
    socket.onmessage = ({ data }) => void member.events.push(JSON.parse(String(data)));
    socket.onclose = (event) => void (member.closed = event);
    await until(() => member.events.length > 0 || member.closed !== null);
    return member;
  }

  const say = (member: Member, text: string): void => member.socket.send(JSON.stringify({ text }));
  const heard = (member: Member): string[] => member.events.map(({ type, name, text }) => [type, name, text].filter(Boolean).join(' '));

  test('tells everybody who is there what is said, and who comes and goes', async () => {
    await using served = await open();
    const ada = await come(served, 'Ada');
    const grace = await come(served, ' Grace  H. ');
    say(ada, 'hello');
    await until(() => heard(grace).includes('message Ada hello'));
    expect(grace.events[0]).toMatchObject({ type: 'welcome', name: 'Grace H.', names: ['Ada', 'Grace H.'], history: [] });
    ada.socket.close();
    await until(() => heard(grace).includes('left Ada'));
    expect(grace.events.at(-1)!['names']).toEqual(['Grace H.']);
    expect(heard(ada).slice(0, 4)).toEqual(['welcome Ada', 'joined Ada', 'joined Grace H.', 'message Ada hello']);
    expect([served.errors, served.breaches]).toEqual([[], []]);
  });

  test('gives who comes back what was missed, and the own place again', async () => {
    await using served = await open({ historyMax: 3 });
    const ada = await come(served, 'Ada');
    for (const text of ['1', '2', '3', '4']) say(ada, text);
    await until(() => heard(ada).length === 6);
    const id = String(ada.events[4]!['id']);
    const again = await come(served, 'ada', { key: 'Ada', since: id });
    expect((again.events[0]!['history'] as { text: string }[]).map(({ text }) => text)).toEqual(['4']);
    await until(() => ada.closed !== null);
    expect(ada.closed!.code).toBe(4000);
    const other = await come(served, 'Bob');
    expect((other.events[0]!['history'] as { text: string }[]).map(({ text }) => text)).toEqual(['2', '3', '4']);
    expect(other.events[0]!['names']).toEqual(['ada', 'Bob']);
  });

  test('refuses bad or taken names, bad rooms, and pages of other origins', async () => {
    await using served = await open({ membersMax: 2 });
    await come(served, 'Ada');
    expect((await come(served, 'ADA', { key: 'other' })).closed!.code).toBe(4002);
    for (const name of ['', ' ', 'x'.repeat(25), 'a\u202eb', 'a\u0000b']) expect((await come(served, name)).closed!.code).toBe(4001);
    await come(served, 'Bob');
    expect((await come(served, 'Eve')).closed!.code).toBe(4003);
    const handshake = (path: string, fields: string): Promise<string> => exchange(served.port,
      `GET ${path} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${fields}\r\n`);
    expect(await handshake('/rooms/Big/socket?name=a', '')).toMatch(/^HTTP\/1\.1 404 /);
    for (const origin of ['http://evil.example', 'https://h:8443', 'http://h.evil.example', 'null', 'file://h', 'http://']) {
      expect(await handshake('/rooms/a/socket?name=a', `Origin: ${origin}\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
    }
    expect([served.errors, served.breaches]).toEqual([[], []]);
  });

  test.each([
    ['example.com:443', 'https://example.com'], ['EXAMPLE.com', 'https://example.com'], ['example.com', 'http://example.com:80'],
    ['example.com:8080', 'http://Example.com:8080'], ['[::1]:80', 'http://[::1]'], ['example.com', 'https://example.com'],
  ])('takes pages of its own: Host %s, Origin %s', async (host, origin) => {
    await using served = await open();
    const socket = connect(served.port, '127.0.0.1');
    socket.write(`GET /rooms/a/socket?name=a HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${origin}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
      + 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
    const [answer] = await once(socket, 'data') as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 101 /);
    socket.destroy();
  });

  test('gives no place to a HEAD, whose answer has no events', async () => {
    await using served = await open({ membersMax: 1 });
    for (let round = 0; round < 3; round++) {
      const response = await fetch(`${served.origin}/rooms/lobby/events`, { method: 'HEAD' });
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    }
    await come(served, 'Ada');
    expect((await fetch(`${served.origin}/rooms/lobby/events`, { method: 'HEAD' })).status).toBe(503);
    expect([served.errors, served.breaches]).toEqual([[], []]);
  });

  test('says what is wrong with a message, and slows down who says too much', async () => {
    await using served = await open({ textLengthMax: 5, talkMax: 2, talkMs: 60_000 });
    const ada = await come(served, 'Ada');
    for (const text of ['{', '[]', '{"text":7}', '{"text":"  "}', '{"text":"123456"}']) ada.socket.send(text);
    ada.socket.send(Buffer.from('{"text":"a"}'));
    for (const text of ['a', 'b', 'c']) say(ada, text);
    await until(() => ada.events.length === 11);
    expect(ada.events.filter(({ type }) => type === 'problem')).toHaveLength(7);
    expect(heard(ada).filter((event) => event.startsWith('message'))).toEqual(['message Ada a', 'message Ada b']);
  });

  test('is read along as server-sent events, from where one was', async () => {
    await using served = await open();
    const ada = await come(served, 'Ada');
    say(ada, 'one');
    say(ada, 'two\nlines');
    await until(() => ada.events.length === 4);
    const socket = connect(served.port, '127.0.0.1', () => socket.write(`GET /rooms/lobby/events HTTP/1.1\r\nHost: a\r\nLast-Event-ID: ${String(ada.events[2]!['id'])}\r\n\r\n`));
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    await until(() => answer.includes('event: message'));
    say(ada, 'three');
    await until(() => answer.includes('three'));
    expect(answer).not.toContain('"one"');
    expect(answer).toMatch(/id: \w+-2\nevent: message\ndata: \{"type":"message",[^\n]*two\\nlines[^\n]*\n\n/);
    socket.destroy();
    await once(socket, 'close');
    expect((await fetch(`${served.origin}/rooms/lobby/events`, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${served.origin}/rooms/NO/events`)).status).toBe(404);
    expect(served.errors).toEqual([]);
  });

  test('has a page', async () => {
    await using served = await open();
    const response = await fetch(served.origin);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(await response.text()).toContain('<title>Ten Servers chat</title>');
    const tag = response.headers.get('etag')!;
    for (const known of [tag, '*', `W/${tag}`, `"other", ${tag}`]) {
      expect((await fetch(served.origin, { headers: { 'If-None-Match': known } })).status).toBe(304);
    }
    expect((await fetch(served.origin, { headers: { 'If-None-Match': '"other"' } })).status).toBe(200);
    expect((await fetch(`${served.origin}/../main.ts`)).status).toBe(404);
    expect((await fetch(served.origin, { method: 'DELETE' })).status).toBe(405);
  });
});
