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
