/**
 * What a frame is (RFC 6455 §5.2), and the bits of its first two bytes.
 */

export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

/** The first byte: the message ends with this frame. */
export const FIN = 0x80;
/** The first byte: bits for extensions. permessage-deflate takes RSV1 (RFC 7692 §6). */
export const RSV1 = 0x40;
export const RSV = 0x70;
/** The second byte: the payload is masked, and the key follows. */
export const MASKED = 0x80;

/** Opcodes from here on belong to control frames: short, never fragmented, and allowed between fragments. */
export const FIRST_CONTROL = 0x8;
/** A control frame's payload, in bytes (RFC 6455 §5.5). */
export const CONTROL_BYTES_MAX = 125;
