/**
 * Chapter 06, an async gateway and WebSockets: the only door into this chapter.
 */

// ── the WebSocket half: between these lines ──
// 6.3 handshake
export { acceptKey } from './accept-key.ts';
export { acceptHandshake, chooseSubprotocol, originAllowed, readHandshake } from './handshake.ts';
export type { HandshakeRequest, HandshakeResponse } from './handshake.ts';
export { freshHandshakeKey, handshakeRequest, readAcceptance } from './client-handshake.ts';
export type { ClientHandshake } from './client-handshake.ts';
export { parseExtensions } from './extension-list.ts';

// 6.4 frames
export { WebSocketConnection } from './websocket-connection.ts';
export type { WebSocketConnectionOptions } from './websocket-connection.ts';
export type * from './connection-events.ts';
export { webSocketTransitions } from './states.ts';
export type { WebSocketRole, WebSocketState, WebSocketTransition } from './states.ts';
export { WebSocketError } from './websocket-error.ts';
export { closeCodes, mayBeSent } from './close-codes.ts';
export { encodeFrame } from './frame-writer.ts';
export { applyMask } from './mask.ts';
export { Utf8Validator } from './utf8-validator.ts';
export { defaultWebSocketLimits, withWebSocketLimits } from './limits.ts';
export type { WebSocketLimits } from './limits.ts';

// 6.5 a connection's life
export type {
  ExtensionOffer, WebSocketAcceptance, WebSocketClosure, WebSocketHost, WebSocketMessage, WebSocketOffer, WebSocketPeer,
} from './websocket-types.ts';
export { WebSockets } from './websocket-server.ts';
export type { WebSocketsOptions } from './websocket-server.ts';
export { connectWebSocket } from './websocket-client.ts';
export type { ConnectOptions } from './websocket-client.ts';
export { defaultWebSocketTimeouts } from './timeouts.ts';
export type { WebSocketTimeouts } from './timeouts.ts';

// 6.6 rooms
export { Room } from './room.ts';
export type { RoomOptions } from './room.ts';
export { SharedMessage } from './shared-message.ts';

// 6.7 permessage-deflate
export { acceptDeflate, acceptedDeflate, defaultDeflateParameters, offerDeflate } from './deflate-parameters.ts';
export type { DeflateParameters } from './deflate-parameters.ts';
export { defaultDeflateTuning, Deflater, Inflater } from './deflate.ts';
export type { DeflateTuning } from './deflate.ts';
// ── end of the WebSocket half ──

// ── the asynchronous gateway: between these lines ──
// the interface
export type {
  AsyncApp, AsyncMiddleware, BodyEvent, HttpApp, LifespanApp, Receive, ReceivedEvent, Scope, Send, SentEvent, StartEvent,
  WebSocketApp,
} from './async-app.ts';
export type {
  Endpoint, HttpExtensions, HttpScope, LifespanScope, RequestScope, WebSocketExtensions, WebSocketScope,
} from './scopes.ts';
export type * from './http-events.ts';
export type * from './websocket-events.ts';
export type * from './lifespan-events.ts';
export { DisconnectError } from './disconnect-error.ts';
export { byScope } from './by-scope.ts';
export type { ScopeApps } from './by-scope.ts';
export { UnknownScopeError } from './unknown-scope-error.ts';

// 6.1 http scope
export { httpScope, websocketScope } from './http-scope.ts';
export type { WebSocketFacts } from './http-scope.ts';
export { HttpExchange } from './http-exchange.ts';
export type { HttpSource } from './http-exchange.ts';
export type { ResponseListener, SentHead } from './sent-response.ts';
export { WebSocketExchange } from './websocket-exchange.ts';
export type { WebSocketSource } from './websocket-exchange.ts';
export { httpTable, lifespanTable, websocketTable } from './exchange-states.ts';
export type { HttpSendState, LifespanSendState, SendTable, SentType, WebSocketSendState } from './exchange-states.ts';

// 6.2 lifespan
export { AsyncServer, serveAsync } from './serve-async.ts';
export type { AsyncServeOptions } from './serve-async.ts';
export { defaultBufferedBytesMax, withAsyncDefaults } from './async-settings.ts';
export type { AsyncErrorReporter, AsyncOptions, AsyncSettings } from './async-settings.ts';
export { Lifespan, defaultLifespanTimes } from './lifespan.ts';
export type { LifespanTimes } from './lifespan.ts';
export { LifespanError } from './lifespan-error.ts';

// part one and part two
export { fromGateway } from './from-gateway.ts';
export { loadAsyncApp } from './load-async-app.ts';
export type { AppInterface } from './load-async-app.ts';
export { toGateway } from './to-gateway.ts';
export { asyncValidator } from './async-validator.ts';
export type { AsyncValidatorOptions } from './async-validator.ts';
export { asyncValidatorRules } from './async-breaches.ts';
export type { AsyncBreach, AsyncRuleId } from './async-breaches.ts';

// 6.6 server-sent events
export { defaultHeartbeatMs, encodeComment, encodeEvent, eventStreamHeaders, heartbeat, lastEventId } from './event-stream.ts';
export type { StreamEvent } from './event-stream.ts';
export { EventSourceSender } from './event-source.ts';
export type { EventSourceOptions } from './event-source.ts';
// ── end of the asynchronous gateway ──
