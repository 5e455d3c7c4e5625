/**
 * The Range field (RFC 9110 §14.2): which bytes of the representation are asked for.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import type { ByteRange } from './byte-range.ts';

/** Nobody who only wants to read asks for more ranges than this in one request. */
export const RANGES_MAX = 16;

const RANGES_SPECIFIER = /^bytes=(.*)/i;
const RANGE_SPEC = /^[ \t]*(?:(\d+)-(\d*)|-(\d+))[ \t]*$/;

/**
 * Reads a Range field.
 *
 * Ranges that overlap or touch become one (RFC 9110 §15.3.7.2); the others keep the order in which they were asked for.
 *
 * @param size of the representation, in bytes
 * @returns the ranges to be sent; `[]` if none of them can be satisfied, which is answered with 416; `null` if the
 *   field is to be ignored, as it MAY be: if it has another unit or is not valid, if it lists more than `rangesMax`
 *   members (empty ones included), or if the file is empty, so that no range can name a part of it (for a suffix, 416
 *   would be right, too)
 */
export function parseRange(value: string, size: number, rangesMax: number = RANGES_MAX): readonly ByteRange[] | null {
  // TODO 3.5  First sort out what is to be ignored. Read each member of the list with `parseRangeSpec`, skip empty ones
  //           (RFC 9110 §5.6.1.2), leave out those that begin after the end, and let `coalesce` join what overlaps.
  throw new NotImplemented('3.5');
}

/** One range, its end cut to the size; one that cannot be satisfied begins after the end; `null` if it is not valid. */
function parseRangeSpec(spec: string, size: number): ByteRange | null {
  // TODO 3.5  `0-4`, `5-` or `-3`, matched by RANGE_SPEC. Cut the end to the size; a range that begins after the end
  //           keeps its beginning.
  throw new NotImplemented('3.5');
}

function coalesce(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const joined: ByteRange[] = [];
  for (let range of ranges) {
    for (;;) {
      const touching = joined.findIndex((other) => touch(other, range));
      if (touching === -1) break;
      // The range that has grown may touch a third one.
      const [other] = joined.splice(touching, 1);
      range = { firstPos: Math.min(other!.firstPos, range.firstPos), lastPos: Math.max(other!.lastPos, range.lastPos) };
    }
    joined.push(range);
  }
  return joined;
}

function touch(a: ByteRange, b: ByteRange): boolean {
  return a.firstPos <= b.lastPos + 1 && b.firstPos <= a.lastPos + 1;
}
