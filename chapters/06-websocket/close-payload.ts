/**
 * The payload of a Close frame (RFC 6455 §5.5.1): nothing, or a code in two bytes and a reason in UTF-8.
 */

import { LocalProtocolError } from '../02-http/index.ts';
import { closeCodes, mayBeSent } from './close-codes.ts';
import { CONTROL_BYTES_MAX } from './opcodes.ts';
import { Utf8Validator } from './utf8-validator.ts';
import type { CloseEvent, CloseToSend } from './connection-events.ts';
import { WebSocketError } from './websocket-error.ts';

const empty = new Uint8Array(0);

/** @throws WebSocketError 1002 for a code that must not be sent, 1007 for a reason that is not UTF-8 */
export function parseClosePayload(payload: Buffer): CloseEvent {
  if (payload.length === 0) return { type: 'close', code: closeCodes.noStatus, reason: '' };
  if (payload.length === 1) throw new WebSocketError(1002, 'half a close code');
  const code = payload.readUInt16BE(0);
  if (!mayBeSent(code)) throw new WebSocketError(1002, 'a close code that must not be sent');
  const utf8 = new Utf8Validator();
  if (!utf8.receive(payload, 2) || !utf8.complete) throw new WebSocketError(1007, 'the reason is not UTF-8');
  return { type: 'close', code, reason: payload.toString('utf8', 2) };
}

/** @throws LocalProtocolError for a code that must not be sent, and for a reason that is too long or has no code */
export function closePayload({ code = closeCodes.noStatus, reason = '' }: CloseToSend): Uint8Array {
  if (code === closeCodes.noStatus) {
    if (reason !== '') throw new LocalProtocolError('a reason without a close code');
    return empty;
  }
  if (!mayBeSent(code)) throw new LocalProtocolError(`the close code ${code} must not be sent`);
  const payload = Buffer.allocUnsafe(2 + Buffer.byteLength(reason));
  if (payload.length > CONTROL_BYTES_MAX) throw new LocalProtocolError('the reason is longer than 123 bytes');
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2);
  return payload;
}
