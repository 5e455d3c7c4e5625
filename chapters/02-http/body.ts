/**
 * Where a received body ends: RFC 9112 §6 and §7.1, where every ambiguity is an attack.
 *
 * No I/O: bytes in through `receiveData`, events out through `nextEvent`, which consumes and returns an event, returns
 * `need-more-data`, or throws a RemoteProtocolError. What comes after the body is never touched: `unread` gives it
 * back.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { defaultLimits, type HttpLimits } from './errors.ts';
import type { BodyFraming, DataEvent, EndEvent, FramedHead, NoEvent, ResponseHead } from './events.ts';

export type BodyEvent = DataEvent | EndEvent | NoEvent<'need-more-data'>;
export const needMoreData: NoEvent<'need-more-data'> = { type: 'need-more-data' };

/**
 * The framing of a request's body (RFC 9112 §6.3). `Content-Length: 0` is a body of no bytes: `none`.
 *
 * @throws RemoteProtocolError 400 if the framing is ambiguous, 501 for a transfer coding other than chunked,
 *   413 for a length beyond the limit
 */
export function bodyFraming(head: FramedHead, limits: HttpLimits = defaultLimits): BodyFraming {
  // TODO 2.3  The lesson has the table. Where two servers could disagree about the end of a body, the request is
  //           refused.
  throw new NotImplemented('2.3');
}

/**
 * The framing of a response's body, which also depends on its status and on the request (RFC 9112 §6.3).
 *
 * @throws as {@link bodyFraming}
 */
export function responseBodyFraming(head: ResponseHead, requestMethod: string, limits: HttpLimits): BodyFraming {
  throw new NotImplemented('2.12');
}

/**
 * Parses the value of Content-Length: `1*DIGIT`, nothing else, and once. RFC 9112 §6.3 would let us take `5, 5` as 5;
 * we refuse every list, since no sender has a reason to make one.
 *
 * @throws RemoteProtocolError 400 for what is not a length, 413 beyond 2^53-1
 */
export function parseContentLength(value: string): number {
  throw new NotImplemented('2.3');
}

/** Digits that a chunk size may have. 2^53-1 has 14, and some senders put zeros before a size. */
const SIZE_DIGITS_MAX = 16;
/**
 * Parses a chunk line, `chunk-size [ chunk-ext ]`, without its CRLF.
 *
 * @returns the size; 0 is the last chunk.
 * @throws RemoteProtocolError 400
 */
export function parseChunkLine(line: string): number {
  // TODO 2.3  Hexadecimal digits, and extensions by the grammar of RFC 9112 §7.1.1. What two servers could read in
  //           two ways is a 400, and so is a size beyond what a number can hold.
  throw new NotImplemented('2.3');
}

/** A body with any framing. */
export class BodyReader {
  // TODO 2.4  Its state is yours. Bytes come in pieces of any size, and what comes after the body is left alone. A
  //           limit is passed as soon as that is certain, not when the body has ended.

  constructor(framing: BodyFraming, limits: HttpLimits) {
    throw new NotImplemented('2.4');
  }

  /** Bytes that are certain to come: what is left of a length. */
  get bytesAnnounced(): number {
    throw new NotImplemented('2.4');
  }

  receiveData(bytes: Uint8Array): void {
    throw new NotImplemented('2.4');
  }

  /** The bytes after the body's end. */
  unread(): Buffer {
    throw new NotImplemented('2.4');
  }

  /**
   * Data as it comes, and the end of the body with its trailers. Those that {@link isAllowedTrailer} does not allow are
   * dropped.
   *
   * @param inputEnded whether the peer will send nothing more
   * @throws RemoteProtocolError 400 for what is not a chunk and if the input ends before the body (RFC 9112 §8), 431
   *   for too many trailers, 413 beyond another limit; the same error on every later call
   */
  nextEvent(inputEnded = false): BodyEvent {
    throw new NotImplemented('2.4');
  }
}

/** A chunked body, decoded (RFC 9112 §7.1). */
export class ChunkedDecoder extends BodyReader {
  constructor(limits: HttpLimits = defaultLimits) { super({ kind: 'chunked' }, limits); }
}

/** RFC 9110 §6.5.1: not framing, routing, authentication or content, since they must be known before the body. */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  'age', 'authorization', 'cache-control', 'connection', 'cookie', 'date', 'expect', 'expires', 'forwarded', 'host',
  'keep-alive', 'location', 'max-forwards', 'pragma', 'range', 'retry-after', 'set-cookie', 'te', 'trailer',
  'transfer-encoding', 'upgrade', 'vary', 'www-authenticate',
]);
export function isAllowedTrailer(name: string): boolean {
  return !NOT_IN_TRAILERS.has(name.toLowerCase()) && !/^(?:content|if|proxy)-/i.test(name);
}

/** Two runs of bytes as one. Copies nothing where either is empty, as one nearly always is. */
export function append(before: Buffer, bytes: Uint8Array): Buffer {
  throw new NotImplemented('2.4');
}
