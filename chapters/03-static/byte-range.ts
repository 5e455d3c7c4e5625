/** A range of bytes, both ends included, as RFC 9110 §14.1.2 counts: `0-0` is the first byte. */

export interface ByteRange {
  readonly firstPos: number;
  readonly lastPos: number;
}

/** How many bytes a range has. */
export function rangeLength(range: ByteRange): number {
  return range.lastPos - range.firstPos + 1;
}
