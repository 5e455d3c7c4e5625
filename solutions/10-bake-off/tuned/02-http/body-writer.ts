/**
 * A body being sent, whatever its framing. No I/O: events in, bytes out.
 */

import { chunkedBody, noBody } from './body-framing.ts';
import type { BodyFraming } from './body-framing.ts';
import { LocalProtocolError } from './errors.ts';
import { fieldLines } from './field-lines.ts';
import type { HeaderPair } from './headers.ts';
import { isAllowedTrailer } from './trailers.ts';

/**
 * Bytes for the wire. In a string, each character is one byte (latin1): most of what HTTP/1.1 sends is text, and
 * joining strings is cheaper than joining buffers. Write it with the encoding `'latin1'`, or see {@link wireBytes}.
 */
export type WireData = string | Uint8Array;

/** Bodies up to this size join the head in one string, and so leave in one write. */
const JOINED_BYTES_MAX = 16 * 1024;

export class BodyWriter {
  #framing: BodyFraming = noBody;
  #bytesLeft = 0;
  #dropped = false;

  /** Begins a body. A dropped one (for HEAD, 304) is taken and not sent, so that no handler needs a case for it. */
  begin(framing: BodyFraming, dropped: boolean): void {
    this.#framing = framing;
    this.#dropped = dropped;
    this.#bytesLeft = framing.kind === 'length' ? framing.length : Infinity;
  }

  /** Bytes that may still be sent: what is left of the Content-Length, or Infinity. */
  get bytesLeft(): number {
    return this.#dropped ? Infinity : this.#bytesLeft;
  }

  /** @throws LocalProtocolError if the body becomes longer than promised */
  data(data: string | Uint8Array): WireData {
    return this.wire(typeof data === 'string' ? textOnWire(data) : data);
  }

  /** Like {@link BodyWriter.data}, for what {@link textOnWire} has converted: checking it again would cost 20 ns. */
  wire(wire: WireData): WireData {
    if (this.#dropped || wire.length === 0) return '';
    if (wire.length > this.#bytesLeft) throw new LocalProtocolError('the body is longer than its Content-Length');
    this.#bytesLeft -= wire.length;
    if (this.#framing !== chunkedBody) return wire;
    // A part of no bytes has returned above: as a chunk it would end the body.
    return joinWire(wire.length.toString(16) + '\r\n', wire, '\r\n');
  }

  /** @throws LocalProtocolError if the body is shorter than promised */
  end(trailers: readonly HeaderPair[] = []): WireData {
    if (this.#dropped) return '';
    if (this.#framing.kind === 'length' && this.#bytesLeft > 0) {
      throw new LocalProtocolError('the body is shorter than its Content-Length');
    }
    if (this.#framing !== chunkedBody) return '';
    return '0\r\n' + (trailers.length === 0 ? '' : trailerLines(trailers)) + '\r\n';
  }
}

/** A string as UTF-8: the string itself if it is ASCII, which is the same in latin1. */
export function textOnWire(text: string): WireData {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text);
}

/** Joins parts into one: a string if that is cheap, else bytes. */
export function joinWire(before: string, data: WireData, after: string): WireData {
  if (typeof data === 'string') return before + data + after;
  if (data.length <= JOINED_BYTES_MAX) return before + latin1(data) + after;
  return Buffer.concat([Buffer.from(before, 'latin1'), data, Buffer.from(after, 'latin1')]);
}

/** Wire data as bytes. */
export function wireBytes(data: WireData): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
}

function latin1(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('latin1');
}

function trailerLines(trailers: readonly HeaderPair[]): string {
  for (const [name] of trailers) {
    if (!isAllowedTrailer(name)) throw new LocalProtocolError(`${name} cannot be a trailer`);
  }
  return fieldLines(trailers).text;
}
