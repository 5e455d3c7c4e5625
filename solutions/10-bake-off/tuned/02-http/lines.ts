/**
 * Where a line ends. Lines end in CRLF and in nothing else.
 *
 * RFC 9112 §2.2 lets a recipient accept a bare LF as a line end. We refuse it: two servers in a row that disagree
 * about where a line ends are how requests are smuggled.
 */

import { CR } from './characters.ts';
import { RemoteProtocolError } from './errors.ts';

/**
 * Finds the CRLF that ends the line which begins at `start`.
 *
 * @param bytesMax the longest line accepted, without its CRLF
 * @param status what a longer line is answered with
 * @returns the position of the CR, or -1: need more
 * @throws RemoteProtocolError with `status` when the line is too long, 400 when it ends in a bare LF
 */
export function endOfLine(text: string, start: number, bytesMax: number, status: number): number {
  const lineFeed = text.indexOf('\n', start);
  const lineEnd = lineFeed === -1 ? text.length - 1 : lineFeed - 1;
  if (lineEnd - start > bytesMax) throw new RemoteProtocolError(status, 'line too long');
  if (lineFeed === -1) return -1;
  if (lineEnd < start || text.charCodeAt(lineEnd) !== CR) throw new RemoteProtocolError(400, 'line without CRLF');
  return lineEnd;
}
