/** chunk-size [ chunk-ext ] */

import { Cursor, isValueCharacter } from './cursor.ts';

export function parseChunkLine(line: string): number {
  const cursor = new Cursor(line);
  const size = BigInt(`0x${cursor.many((character) => /^[\da-f]$/i.test(character))}`);
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) cursor.refuse('a chunk too large');
  while (!cursor.done) extension(cursor);
  return Number(size);
}

/** BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] */
function extension(cursor: Cursor): void {
  cursor.whitespace();
  cursor.expect(';');
  cursor.whitespace();
  cursor.token();
  const before = cursor.at;
  cursor.whitespace();
  if (!cursor.accept('=')) {
    cursor.at = before;
    return;
  }
  cursor.whitespace();
  if (cursor.peek() === '"') quotedString(cursor);
  else cursor.token();
}

function quotedString(cursor: Cursor): void {
  cursor.expect('"');
  while (!cursor.accept('"')) {
    cursor.accept('\\');
    if (!isValueCharacter(cursor.peek()) || cursor.done) cursor.refuse('a string without its end');
    cursor.at++;
  }
}

/** The longest chunk line to wait for, with this much left of the budget for extensions. */
export function chunkLineBytesMax(extensionBytesLeft: number): number {
  return 16 + extensionBytesLeft;
}
