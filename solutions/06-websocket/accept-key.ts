/**
 * The proof that a server has understood the handshake (RFC 6455 §4.2.2). It is not a secret, but something that
 * answers by accident, or from a cache, does not know it.
 */

import { createHash } from 'node:crypto';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Sec-WebSocket-Accept for a Sec-WebSocket-Key, which is used as it was sent, without decoding it. */
export function acceptKey(key: string): string {
  return createHash('sha1').update(key + GUID, 'latin1').digest('base64');
}
