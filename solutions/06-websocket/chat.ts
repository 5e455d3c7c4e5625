/**
 * The demonstration: a chat, in rooms. In memory, with limits.
 *
 *     /                        the page
 *     /rooms/NAME/socket       a WebSocket: ?name=, ?key= and ?since= say who is coming
 *     /rooms/NAME/events       the same events as server-sent ones, to read along: curl -N …
 */

import { join } from 'node:path';

import { reasonPhrase } from '../02-http/index.ts';
import { publicFiles } from '../05-gateway/index.ts';
import { answer } from './answer.ts';
import type { AsyncApp, HttpApp, Send, WebSocketApp } from './async-app.ts';
import { byScope } from './by-scope.ts';
import { defaultChatLimits, parseName, parseRoomName, parseText } from './chat-input.ts';
import type { ChatLimits } from './chat-input.ts';
import { ChatRooms } from './chat-rooms.ts';
import { lastEventId } from './event-stream.ts';
import { fromGateway } from './from-gateway.ts';
import type { HttpSendEvent } from './http-events.ts';
import type { HttpScope, WebSocketScope } from './scopes.ts';
import { TalkLimit } from './talk-limit.ts';
import type { WebSocketSendEvent } from './websocket-events.ts';

/** Close codes of our own, which the page knows; 4000 is in chat-room.ts. */
const NAME_REFUSED = 4001;
const NAME_TAKEN = 4002;
const ROOM_FULL = 4003;

/** Characters of the key with which a page takes its own place back. */
const KEY_LENGTH_MAX = 64;

/** The chat as an application. */
export function chat(options: Partial<ChatLimits> = {}): AsyncApp {
  const limits = { ...defaultChatLimits, ...options };
  const rooms = new ChatRooms(limits);
  // It takes every scope, and so it takes requests, too.
  const page = fromGateway(publicFiles(join(import.meta.dirname, 'public'))) as HttpApp;
  const http: HttpApp = (scope, receive, send) => {
    const name = /^\/rooms\/([^/]+)\/events$/.exec(scope.path)?.[1];
    if (scope.method !== 'GET' && scope.method !== 'HEAD') return answer(send, 405, [['Allow', 'GET, HEAD']]);
    return name === undefined ? page(scope, receive, send) : readAlong(rooms, name, scope, send);
  };
  const websocket: WebSocketApp = async (scope, receive, send) => {
    const name = /^\/rooms\/([^/]+)\/socket$/.exec(scope.path)?.[1];
    if (name === undefined || parseRoomName(name) === null) return deny(send, 404);
    // Any page may open a WebSocket to any server, and only this field says which page it is (RFC 6455 §10.2).
    if (!isOurPage(scope)) return deny(send, 403);
    await receive();
    await send({ type: 'websocket.accept' });
    const peer = scope.extensions['websocket.peer']!();
    const query = new URLSearchParams(scope.query);
    const who = parseName(query.get('name') ?? '', limits);
    const room = rooms.find(name);
    const key = (query.get('key') ?? '').slice(0, KEY_LENGTH_MAX);
    if (who === null) return send({ type: 'websocket.close', code: NAME_REFUSED, reason: 'no such name' });
    if (room === null || room.full) return send({ type: 'websocket.close', code: ROOM_FULL, reason: 'full' });
    if (!room.join(peer, who, key, query.get('since') ?? '')) {
      return send({ type: 'websocket.close', code: NAME_TAKEN, reason: 'somebody has this name' });
    }
    const talk = new TalkLimit(limits);
    for (;;) {
      const event = await receive();
      if (event.type !== 'websocket.receive') return;
      const text = parseText(saidIn(event.data), limits);
      if (text === null) await send(problem(`A message has 1 to ${limits.textLengthMax} characters.`));
      else if (!talk.allows(performance.now())) await send(problem('Slower, please.'));
      else room.say(who, text);
    }
  };
  return byScope({ http, websocket });
}

/** The chat by name, as `main.ts --app chat.ts:app` asks for it. */
export const app: AsyncApp = chat();

/** Server-sent events. The browser reconnects by itself, and says what it saw last. */
async function readAlong(rooms: ChatRooms, name: string, scope: HttpScope, send: Send<HttpSendEvent>): Promise<void> {
  const room = parseRoomName(name) === null ? null : rooms.find(name);
  if (room === null) return answer(send, 404);
  if (room.full) return answer(send, 503, [['Retry-After', '10']]);
  const reader = room.read(lastEventId(scope.headers));
  try {
    await reader.run(scope, send);
  } finally {
    room.unread(reader);
  }
}

async function deny(send: Send<WebSocketSendEvent>, status: number): Promise<void> {
  await send({ type: 'websocket.http.response.start', status, headers: [['Content-Type', 'text/plain; charset=utf-8']] });
  await send({ type: 'websocket.http.response.body', body: Buffer.from(`${status} ${reasonPhrase(status)}\n`) });
}

/** Whether the page that asks came from this server. A client without an Origin is not a browser, and is let in. */
function isOurPage({ headers }: WebSocketScope): boolean {
  const field = (name: string): string | undefined => headers.find((header) => header[0] === name)?.[1];
  const origin = field('origin');
  if (origin === undefined) return true;
  // Behind a proxy that ends TLS, our scheme is not the page's, so only the host and the port are compared. Reading
  // them as URLs puts them in lower case and leaves out the default port of the page's scheme.
  const page = URL.parse(origin);
  return page !== null && /^https?:$/.test(page.protocol) && page.host === URL.parse(`${page.protocol}//${field('host')}`)?.host;
}

/** The text of a message `{ "text": … }`; `undefined` for anything else. */
function saidIn(data: string | Buffer): unknown {
  if (typeof data !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null && 'text' in value ? value.text : undefined;
  } catch {
    return undefined;
  }
}

function problem(text: string): WebSocketSendEvent {
  return { type: 'websocket.send', data: JSON.stringify({ type: 'problem', text }) };
}
