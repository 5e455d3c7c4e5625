/**
 * The Range field (RFC 9110 §14.2): which bytes of the representation are asked for.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import type { ByteRange } from './byte-range.ts';

/** More ranges than this in one request are no longer a reader's. */
export const RANGES_MAX = 16;

const RANGES_SPECIFIER = /^bytes=(.*)/i;
const RANGE_SPEC = /^[ \t]*(?:(\d+)-(\d*)|-(\d+))[ \t]*$/;

/**
 * Reads a Range field.
 *
 * Ranges that overlap or touch become one (RFC 9110 §15.3.7.2); the others keep the order they were asked for.
 *
 * @param size of the representation, in bytes
 * @returns the ranges to be sent; `[]` if none of them can be satisfied, which is answered by 416; `null` if the field
 *   is to be ignored, as it MAY be: another unit, not a valid one, a list of more than `rangesMax` members, empty ones
 *   included, or an empty file, of which no part has a name (but for a suffix, 416 is right, too)
 */
export function parseRange(value: string, size: number, rangesMax: number = RANGES_MAX): readonly ByteRange[] | null {
  // TODO 3.5  First what is to be ignored. Read each member of the list by `parseRangeSpec`, pass over empty ones (RFC
  //           9110 §5.6.1.2), leave out those that begin behind the end, and let `coalesce` join what overlaps.
  throw new NotImplemented('3.5');
}

/** One range, its end cut to the size; one that cannot be satisfied begins behind it; `null` if it is not valid. */
function parseRangeSpec(spec: string, size: number): ByteRange | null {
  // TODO 3.5  `0-4`, `5-` or `-3`, by RANGE_SPEC. The end is cut to the size; what begins behind the end keeps its
  //           beginning.
  throw new NotImplemented('3.5');
}

function coalesce(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const joined: ByteRange[] = [];
  for (let range of ranges) {
    for (;;) {
      const touching = joined.findIndex((other) => touch(other, range));
      if (touching === -1) break;
      // What has grown may touch a third.
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
