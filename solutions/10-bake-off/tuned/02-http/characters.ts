/**
 * Which characters may appear where: RFC 9110 §5.6, RFC 9112 and RFC 3986 as one table.
 *
 * A character is one byte (latin1), so a class is a bit in a table of 256, and a check is one load and one mask.
 * Regular expressions would read better and cost ten times as much on every request.
 */

/** `tchar` of RFC 9110 §5.6.2: methods, field names, transfer codings. */
export const TOKEN = 1;
/** What a field value may hold: `field-vchar`, SP and HTAB (RFC 9110 §5.5). No CR, LF, NUL or other control. */
export const FIELD_VALUE = 2;
/**
 * What a request target may hold. RFC 3986 allows no `\ ^ { | }` or backtick, but browsers send these unencoded
 * (WHATWG URL), so they pass: our policy. No space, control, `#`, `"`, `<`, `>` and nothing beyond ASCII.
 */
export const TARGET = 4;
/** `unreserved` and `sub-delims` of RFC 3986: what a registered name may hold besides percent-encoding. */
export const REG_NAME = 8;
export const DIGIT = 16;
export const HEX_DIGIT = 32;
/** What may appear in a quoted-string as it is: `qdtext` (RFC 9110 §5.6.4). */
export const QUOTED_TEXT = 64;

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const COLON = 0x3a;

/** The classes of each character, as bits. */
export const classOf = new Uint8Array(256);
/** Each character with A–Z mapped to a–z. */
export const lowerCase = new Uint8Array(256);

const ALPHANUMERIC = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

function addClass(bit: number, characters: string): void {
  for (const character of characters) {
    const code = character.charCodeAt(0);
    classOf[code] = classOf[code]! | bit;
  }
}

addClass(TOKEN, ALPHANUMERIC + "!#$%&'*+-.^_`|~");
addClass(REG_NAME, ALPHANUMERIC + "-._~!$&'()*+,;=");
addClass(DIGIT, '0123456789');
addClass(HEX_DIGIT, '0123456789abcdefABCDEF');
addClass(TARGET, ALPHANUMERIC + "-._~!$&'()*+,;=:@%/?[]" + '\\^`{|}');
for (let code = 0; code < 256; code++) {
  lowerCase[code] = code >= 0x41 && code <= 0x5a ? code + 32 : code;
  const printable = code === HTAB || (code >= SPACE && code !== 0x7f);
  if (printable) classOf[code] = classOf[code]! | FIELD_VALUE;
  if (printable && code !== 0x22 && code !== 0x5c) classOf[code] = classOf[code]! | QUOTED_TEXT;
}

/** The first position from `start` that is not of the class, or `end`. */
export function spanOf(bit: number, text: string, start: number, end: number): number {
  let at = start;
  while (at < end && (classOf[text.charCodeAt(at)]! & bit) !== 0) at++;
  return at;
}

/**
 * {@link spanOf} for field values, with comparisons. Most of what a server reads is field values, and comparing takes
 * less than half the time per character: this is the one place where the table's cost would show.
 */
export function spanOfFieldValue(text: string, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code < SPACE ? code !== HTAB : code === 0x7f || code > 0xff) return at;
  }
  return end;
}

/** Whether the whole text is of the class; the empty text is. */
export function isAll(bit: number, text: string): boolean {
  return spanOf(bit, text, 0, text.length) === text.length;
}

/** Whether the text is a token: one or more `tchar`. */
export function isToken(text: string): boolean {
  return text.length > 0 && isAll(TOKEN, text);
}

/** Whether the `name.length` characters at `start` are `name`, whatever their case. */
export function equalsIgnoringCase(text: string, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    if (lowerCase[text.charCodeAt(start + i)] !== lowerCase[name.charCodeAt(i)]) return false;
  }
  return true;
}

/** SP and HTAB: OWS and BWS are made of them (RFC 9110 §5.6.3). */
export function isWhitespace(code: number): boolean {
  return code === SPACE || code === HTAB;
}
