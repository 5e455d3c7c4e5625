/**
 * The asynchronous interface between a server and an application, as types: what ASGI 3 is to Python. The rules that go
 * with them are in part two of docs/gateway-spec.md.
 *
 * It knows neither a server nor an application.
 */

import type { HttpEvent, HttpSendEvent, HttpStart, HttpBody } from './http-events.ts';
import type { LifespanEvent, LifespanSendEvent } from './lifespan-events.ts';
import type { HttpScope, LifespanScope, WebSocketScope } from './scopes.ts';
import type { DenialBody, DenialStart, WebSocketEvent, WebSocketSendEvent } from './websocket-events.ts';

export type Scope = HttpScope | WebSocketScope | LifespanScope;

/** What a server tells an application. */
export type ReceivedEvent = HttpEvent | WebSocketEvent | LifespanEvent;

/** What an application tells a server. */
export type SentEvent = HttpSendEvent | WebSocketSendEvent | LifespanSendEvent;

/** Begins a response: to a request, or instead of a WebSocket. */
export type StartEvent = HttpStart | DenialStart;

/** A part of such a response's body. */
export type BodyEvent = HttpBody | DenialBody;

/**
 * The next event. One call at a time.
 *
 * @throws GatewayError A31 for a second call; an error with a `status` if the request's body is broken
 */
export type Receive<Event = ReceivedEvent> = () => Promise<Event>;

/**
 * Takes an event; resolves when there is room for another.
 *
 * @throws (by rejection) GatewayError for an event that is refused, as if it had never been sent; DisconnectError when
 *   nothing that is sent can arrive any more
 */
export type Send<Event = SentEvent> = (event: Event) => Promise<void>;

/** An application: called once for each request, for each WebSocket, and for its own life. */
export type AsyncApp = (scope: Scope, receive: Receive, send: Send) => Promise<void>;

/** Wraps an application in another. */
export type AsyncMiddleware = (app: AsyncApp) => AsyncApp;

/** An application for one kind of scope; {@link byScope} makes an {@link AsyncApp} of them. */
export type HttpApp = (scope: HttpScope, receive: Receive<HttpEvent>, send: Send<HttpSendEvent>) => Promise<void>;
export type WebSocketApp =
  (scope: WebSocketScope, receive: Receive<WebSocketEvent>, send: Send<WebSocketSendEvent>) => Promise<void>;
export type LifespanApp =
  (scope: LifespanScope, receive: Receive<LifespanEvent>, send: Send<LifespanSendEvent>) => Promise<void>;
