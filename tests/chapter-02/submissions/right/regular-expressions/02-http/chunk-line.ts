/** The chunk line as one regular expression. */

import { RemoteProtocolError } from './errors.ts';

const TOKEN = '[!#$%&\'*+\\-.^_`|~\\dA-Za-z]+';
const QUOTED = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t \\x21-\\x7e\\x80-\\xff])*"';
const LINE = new RegExp(`^([\\da-fA-F]{1,16})(?:[ \\t]*;[ \\t]*${TOKEN}(?:[ \\t]*=[ \\t]*(?:${TOKEN}|${QUOTED}))?)*$`);

export function parseChunkLine(line: string): number {
  const size = Number(`0x${LINE.exec(line)?.[1]}`);
  if (!Number.isSafeInteger(size)) throw new RemoteProtocolError(400, 'no chunk line');
  return size;
}

/** The longest chunk line to wait for, with this much left of the budget for extensions. */
export function chunkLineBytesMax(extensionBytesLeft: number): number {
  return 16 + extensionBytesLeft;
}
