/**
 * Several ranges in one response: multipart/byteranges (RFC 9110 §14.6), its length known beforehand.
 */

import { randomBytes } from 'node:crypto';

import type { BodyIterable, BodyPart } from '../02-http/index.ts';
import { rangeLength } from './byte-range.ts';
import type { ByteRange } from './byte-range.ts';
import type { Content } from './content.ts';

/** A body and the fields that announce it. */
export interface Multipart {
  readonly contentType: string;
  readonly contentLength: number;
  readonly body: BodyIterable;
}

/** The value of Content-Range for a part (RFC 9110 §14.4). */
export function contentRange(range: ByteRange, size: number): string {
  return `bytes ${range.firstPos}-${range.lastPos}/${size}`;
}

/** The ranges of a content as the parts of one body, each with its own Content-Type and Content-Range. */
export function multipartByteranges(content: Content, mediaType: string, ranges: readonly ByteRange[]): Multipart {
  // Random, so that no file can contain it on purpose.
  const boundary = randomBytes(18).toString('hex');
  const heads = ranges.map((range, index) => {
    const fields = `Content-Type: ${mediaType}\r\nContent-Range: ${contentRange(range, content.size)}\r\n`;
    return `${index === 0 ? '' : '\r\n'}--${boundary}\r\n${fields}\r\n`;
  });
  const end = `\r\n--${boundary}--\r\n`;
  const bytes = ranges.reduce((sum, range) => sum + rangeLength(range), 0);
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    contentLength: heads.join('').length + bytes + end.length,
    body: {
      [Symbol.asyncIterator]: () => parts(content, ranges, heads, end),
      close: () => content.close(),
    },
  };
}

async function* parts(content: Content, ranges: readonly ByteRange[], heads: readonly string[], end: string): AsyncGenerator<BodyPart> {
  for (const [index, range] of ranges.entries()) {
    yield heads[index]!;
    const body = content.body(range);
    let missing = rangeLength(range);
    for await (const part of body instanceof Uint8Array ? [body] : body) {
      missing -= part.length;
      yield part;
    }
    // The file has shrunk: nothing that follows would be where it was promised to be.
    if (missing > 0) return;
  }
  yield end;
}
