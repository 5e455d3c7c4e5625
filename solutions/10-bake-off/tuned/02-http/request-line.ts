/**
 * The request line: `method SP request-target SP HTTP-version` (RFC 9112 §3).
 *
 * Takes one complete line, without its CRLF, as a range of a latin1 text. Returns the line or throws a
 * RemoteProtocolError. Knows nothing of fields, bodies or connections.
 */

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
  if (end - start > limits.requestLineBytesMax) throw new RemoteProtocolError(414, 'request line too long');
  const methodEnd = spanOf(TOKEN, text, start, end);
  if (methodEnd === start || text.charCodeAt(methodEnd) !== SPACE) throw new RemoteProtocolError(400, 'invalid method');
  const targetStart = methodEnd + 1;
  const targetEnd = spanOf(TARGET, text, targetStart, end);
  // One space on each side, and only one: RFC 9112 §3 allows leniency here, but smuggling thrives on it.
  if (targetEnd === targetStart || targetEnd === end || text.charCodeAt(targetEnd) !== SPACE) {
    throw new RemoteProtocolError(400, 'invalid request target');
  }
  const httpVersion = parseVersion(text, targetEnd + 1, end);
  const method = text.substring(start, methodEnd);
  const target = text.substring(targetStart, targetEnd);
  return { method, target, form: targetForm(method, target), httpVersion };
}

/**
 * Parses `HTTP/` DIGIT `.` DIGIT, which is case-sensitive (RFC 9112 §2.3).
 *
 * @throws RemoteProtocolError 505 for a major version above 1, else 400; HTTP/0.9 had no version, so 0 is not a version
 */
export function parseVersion(text: string, start: number, end: number): HttpVersion {
  const major = text.charCodeAt(start + 5) - 0x30;
  const minor = text.charCodeAt(start + 7) - 0x30;
  const wellFormed =
    end - start === 8 &&
    text.startsWith('HTTP/', start) &&
    text.charCodeAt(start + 6) === 0x2e &&
    major >= 1 && major <= 9 && minor >= 0 && minor <= 9;
  if (!wellFormed) throw new RemoteProtocolError(400, 'invalid HTTP version');
  if (major > 1) throw new RemoteProtocolError(505, 'HTTP version not supported');
  return minor === 0 ? '1.0' : '1.1';
}
