/**
 * The request line: `method SP request-target SP HTTP-version` (RFC 9112 §3).
 *
 * Takes one complete line, without its CRLF, as a range of a latin1 text. Returns the line or throws a
 * RemoteProtocolError. Knows nothing of fields, bodies or connections.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { SPACE, TARGET, TOKEN, spanOf } from './characters.ts';
import { RemoteProtocolError } from './errors.ts';
import { defaultLimits } from './limits.ts';
import type { HttpLimits } from './limits.ts';
import { targetForm } from './request-target.ts';
import type { TargetForm } from './request-target.ts';

/** The version whose rules a message follows: 1.2 to 1.9 count as 1.1 (RFC 9110 §2.5). */
export type HttpVersion = '1.0' | '1.1';

export interface RequestLine {
  /** As sent: methods are case-sensitive (RFC 9110 §9.1), and any token may be one. */
  readonly method: string;
  /** As sent, in one of the four forms. */
  readonly target: string;
  readonly form: TargetForm;
  readonly httpVersion: HttpVersion;
}

/**
 * Parses a request line.
 *
 * @param text the line, or a longer text that holds it from `start` to `end`
 * @throws RemoteProtocolError 414 when it is too long, 505 for another major version, 400 for anything else
 */
export function parseRequestLine(
  text: string,
  limits: HttpLimits = defaultLimits,
  start = 0,
  end: number = text.length,
): RequestLine {
  // TODO 2.1  Take the line apart: a method, one space, a target, one space, a version, and nothing else. Return the
  //           four parts. A line too long is 414, anything else wrong is 400. `spanOf` (characters.ts) finds where a
  //           run of permitted characters ends, `parseVersion` (below) reads the third part, `targetForm` names the
  //           form of the second.
  throw new NotImplemented('2.1');
}

/**
 * Parses `HTTP/` DIGIT `.` DIGIT, which is case-sensitive (RFC 9112 §2.3).
 *
 * @throws RemoteProtocolError 505 for a major version above 1, else 400; HTTP/0.9 had no version, so 0 is not a version
 */
export function parseVersion(text: string, start: number, end: number): HttpVersion {
  // TODO 2.1  Eight characters from `start` to `end`, with a digit on each side of the dot. Which of the two sets of
  //           rules do they ask for, if any?
  throw new NotImplemented('2.1');
}
