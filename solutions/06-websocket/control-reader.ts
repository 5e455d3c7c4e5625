/**
 * Reads control frames (RFC 6455 §5.5): what their payload says, once all of it has arrived.
 */

import { parseClosePayload } from './close-payload.ts';
import type { CloseEvent, PingEvent, PongEvent } from './connection-events.ts';
import type { FrameReader } from './frame-reader.ts';
import { PING, PONG } from './opcodes.ts';

export class ControlReader {
  /** What has arrived of a payload that came in parts. */
  #gathered: Buffer | null = null;

  /**
   * Takes the part of the payload that the frame has read. Returns the event if that was the last part, otherwise
   * `null`.
   *
   * @throws WebSocketError 1002 or 1007 for a Close frame that is not valid
   */
  receive(frame: FrameReader): PingEvent | PongEvent | CloseEvent | null {
    const part = frame.bytes.subarray(frame.start, frame.end);
    const data = this.#gathered === null ? part : Buffer.concat([this.#gathered, part]);
    this.#gathered = frame.left > 0 ? data : null;
    if (frame.left > 0) return null;
    if (frame.opcode === PING) return { type: 'ping', data };
    if (frame.opcode === PONG) return { type: 'pong', data };
    return parseClosePayload(data);
  }
}
