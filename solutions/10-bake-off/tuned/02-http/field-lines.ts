/**
 * Field lines to be sent, and the fields among them that decide about the message.
 *
 * Refuses what would let a value write lines of its own: RFC 9110 §5.5 forbids CR, LF and NUL in a value, and a
 * server that lets them through turns every reflected value into a forged header.
 */

import { isToken, spanOfFieldValue } from './characters.ts';
import { parseContentLength } from './body-framing.ts';
import { LocalProtocolError } from './errors.ts';
import type { HeaderPair } from './headers.ts';
import { listHas } from './token-list.ts';

/** The lines, and what was among them. */
export interface FieldLines {
  /** The field lines that are sent as they are, Date included: all but those that the members below report. */
  text: string;
  contentLength: number | null;
  hasDate: boolean;
  /** `Connection: close` was among them. */
  close: boolean;
  /** `Transfer-Encoding: chunked` was among them. */
  chunked: boolean;
}

/**
 * Writes field lines. Content-Length, Transfer-Encoding and a Connection of `close` or `keep-alive` are taken out:
 * the connection decides about them and writes them itself.
 *
 * @throws LocalProtocolError for a name that is not a token, a value with a control character or beyond latin1, and a
 *   Content-Length or Transfer-Encoding that could not be kept
 */
export function fieldLines(headers: readonly HeaderPair[]): FieldLines {
  const lines: FieldLines = { text: '', contentLength: null, hasDate: false, close: false, chunked: false };
  for (const header of headers) {
    const name = header[0];
    const value = header[1];
    if (!isToken(name)) throw new LocalProtocolError(`invalid field name ${JSON.stringify(name)}`);
    if (spanOfFieldValue(value, 0, value.length) !== value.length) {
      throw new LocalProtocolError(`invalid character in the value of ${name}`);
    }
    if (!takeOut(lines, name, value)) lines.text += name + ': ' + value + '\r\n';
  }
  return lines;
}

/** Notes a field that decides about the message; true if its line is not to be written as it is. */
function takeOut(lines: FieldLines, name: string, value: string): boolean {
  // The length rules out nearly every other name, before any letter's case is changed.
  switch (name.length) {
    case 4:
      if (name.toLowerCase() === 'date') lines.hasDate = true;
      return false;
    case 10:
      if (name.toLowerCase() !== 'connection') return false;
      if (listHas(value, 'close')) lines.close = true;
      return lines.close || value.toLowerCase() === 'keep-alive';
    case 14:
      if (name.toLowerCase() !== 'content-length') return false;
      if (lines.contentLength !== null) throw new LocalProtocolError('more than one Content-Length');
      lines.contentLength = ownContentLength(value);
      return true;
    case 17:
      if (name.toLowerCase() !== 'transfer-encoding') return false;
      if (value.toLowerCase() !== 'chunked') throw new LocalProtocolError('a transfer coding other than chunked');
      lines.chunked = true;
      return true;
    default:
      return false;
  }
}

function ownContentLength(value: string): number {
  try {
    return parseContentLength(value);
  } catch {
    throw new LocalProtocolError(`invalid Content-Length ${JSON.stringify(value)}`);
  }
}
