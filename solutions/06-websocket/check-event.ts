/**
 * Whether what an application sends has the form of an event: the rule A34 of docs/gateway-spec.md. Whether it may be
 * sent now is in exchange-states.ts.
 */

import { GatewayError } from '../05-gateway/index.ts';
import type { BodyEvent, SentEvent, StartEvent } from './async-app.ts';
import { checkFields } from './check-fields.ts';
import { mayBeSent } from './close-codes.ts';
import type { WebSocketAccept, WebSocketClose, WebSocketSend } from './websocket-events.ts';

/** RFC 6455 §5.5: a control frame carries 125 bytes, and a Close frame's code takes two of them. */
const REASON_BYTES_MAX = 123;

/** @throws GatewayError A34 for anything that is not an event */
export function checkIsEvent(event: unknown): asserts event is SentEvent {
  if (typeof event === 'object' && event !== null && 'type' in event && typeof event.type === 'string') return;
  throw new GatewayError('A34', "an event is an object with a type: { type: 'http.response.start', … }");
}

/** The Content-Length that a response promises, or `null`. @throws GatewayError A34 to A38 */
export function checkStart({ type, status, reason, headers }: StartEvent): number | null {
  // An interim status has events of its own, and 101 is for the server to send.
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new GatewayError('A34', `the status of ${type} is ${String(status)}; it is a number from 200 to 599`);
  }
  if (reason !== undefined && (typeof reason !== 'string' || !/^[\t\x20-\x7e\x80-\xff]*$/.test(reason))) {
    throw new GatewayError('A34', `the reason of ${type} is a string without controls`);
  }
  return checkFields(headers);
}

/** @throws GatewayError A34 */
export function checkBodyEvent({ type, body, moreBody }: BodyEvent): void {
  if (body !== undefined && !(body instanceof Uint8Array)) {
    throw new GatewayError('A34', `the body of ${type} is a Uint8Array, as Buffer.from(text) gives one`);
  }
  if (moreBody !== undefined && typeof moreBody !== 'boolean') {
    throw new GatewayError('A34', `moreBody of ${type} is a boolean`);
  }
}

/** @throws GatewayError A34 */
export function checkMessage({ data }: WebSocketSend): void {
  if (typeof data === 'string' || data instanceof Uint8Array) return;
  throw new GatewayError('A34', 'the data of websocket.send is a string or a Uint8Array');
}

/** @throws GatewayError A72 for a subprotocol that was not offered */
export function checkSubprotocol({ subprotocol }: WebSocketAccept, offered: readonly string[]): void {
  if (subprotocol === undefined || offered.includes(subprotocol)) return;
  throw new GatewayError('A72', `the subprotocol ${JSON.stringify(subprotocol)} is not among those that the client offers`);
}

/** @throws GatewayError A84 for a code that must not be sent, and for a reason that is too long */
export function checkClose({ code = 1000, reason = '' }: WebSocketClose): void {
  if (!Number.isInteger(code) || !mayBeSent(code)) {
    throw new GatewayError('A84', `the code ${String(code)} must not be sent: use 1000, or one from 3000 to 4999`);
  }
  if (typeof reason !== 'string' || Buffer.byteLength(reason) > REASON_BYTES_MAX) {
    throw new GatewayError('A84', `a reason is a string of at most ${REASON_BYTES_MAX} bytes of UTF-8`);
  }
}
