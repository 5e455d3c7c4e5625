/**
 * The line before each chunk: `chunk-size [ chunk-ext ]` (RFC 9112 §7.1, §7.1.1), parsed strictly.
 *
 * Extensions are checked and dropped. Leniency about them is a smuggling vector of its own: what one server takes for
 * an extension, the next takes for the end of the line.
 */

import { HEX_DIGIT, HTAB, QUOTED_TEXT, SPACE, TOKEN, classOf, spanOf } from './characters.ts';
import { RemoteProtocolError } from './errors.ts';

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** 2^53-1 has 14 hexadecimal digits, and some senders put zeros before a size. RFC 9112 §7.1: MUST anticipate large ones. */
const SIZE_DIGITS_MAX = 16;

/**
 * Parses a chunk line, without its CRLF.
 *
 * @returns the size; 0 is the last chunk
 * @throws RemoteProtocolError 400
 */
export function parseChunkLine(line: string): number {
  const sizeEnd = spanOf(HEX_DIGIT, line, 0, line.length);
  if (sizeEnd === 0 || sizeEnd > SIZE_DIGITS_MAX) throw new RemoteProtocolError(400, 'invalid chunk size');
  const size = Number.parseInt(line.substring(0, sizeEnd), 16);
  if (size > Number.MAX_SAFE_INTEGER) throw new RemoteProtocolError(400, 'chunk size too large');
  if (sizeEnd < line.length) checkExtensions(line, sizeEnd);
  return size;
}

/** `chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )` */
function checkExtensions(line: string, start: number): void {
  let at = start;
  while (at < line.length) {
    at = skipWhitespace(line, at);
    if (line.charCodeAt(at) !== SEMICOLON) throw invalidExtension();
    const nameStart = skipWhitespace(line, at + 1);
    at = spanOf(TOKEN, line, nameStart, line.length);
    if (at === nameStart) throw invalidExtension();
    const equals = skipWhitespace(line, at);
    if (line.charCodeAt(equals) === EQUALS) at = endOfExtensionValue(line, skipWhitespace(line, equals + 1));
  }
}

/** `chunk-ext-val = token / quoted-string` */
function endOfExtensionValue(line: string, start: number): number {
  if (line.charCodeAt(start) !== QUOTE) {
    const end = spanOf(TOKEN, line, start, line.length);
    if (end === start) throw invalidExtension();
    return end;
  }
  let at = start + 1;
  while (line.charCodeAt(at) !== QUOTE) {
    const escaped = line.charCodeAt(at) === BACKSLASH ? 1 : 0;
    const code = line.charCodeAt(at + escaped);
    const plain = escaped === 0 && (classOf[code]! & QUOTED_TEXT) !== 0;
    if (!plain && !(escaped === 1 && code >= SPACE && code !== 0x7f) && !(escaped === 1 && code === HTAB)) {
      throw invalidExtension();
    }
    at += escaped + 1;
  }
  return at + 1;
}

function skipWhitespace(line: string, start: number): number {
  let at = start;
  while (line.charCodeAt(at) === SPACE || line.charCodeAt(at) === HTAB) at++;
  return at;
}

function invalidExtension(): RemoteProtocolError {
  return new RemoteProtocolError(400, 'invalid chunk extension');
}

/** The longest chunk line to wait for, with this much left of the budget for extensions. */
export function chunkLineBytesMax(extensionBytesLeft: number): number {
  return SIZE_DIGITS_MAX + extensionBytesLeft;
}

