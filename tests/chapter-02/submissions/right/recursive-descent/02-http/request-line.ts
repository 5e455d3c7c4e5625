/** request-line = method SP request-target SP HTTP-version */

import { Cursor, isDigit } from './cursor.ts';
import { RemoteProtocolError } from './errors.ts';
import { defaultLimits } from './limits.ts';
import type { HttpLimits } from './limits.ts';
import { targetForm } from './request-target.ts';
import type { TargetForm } from './request-target.ts';

export type HttpVersion = '1.0' | '1.1';

export interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly form: TargetForm;
  readonly httpVersion: HttpVersion;
}

export function parseRequestLine(
  text: string,
  limits: HttpLimits = defaultLimits,
  start = 0,
  end: number = text.length,
): RequestLine {
  if (end - start > limits.requestLineBytesMax) throw new RemoteProtocolError(414, 'too long');
  const cursor = new Cursor(text, start, end);
  const method = cursor.token();
  cursor.expect(' ');
  const target = cursor.many((character) => character > ' ' && character < '\x7f' && !'"#<>'.includes(character));
  cursor.expect(' ');
  const httpVersion = version(cursor);
  cursor.expectEnd();
  return { method, target, form: targetForm(method, target), httpVersion };
}

/** HTTP-version = HTTP-name "/" DIGIT "." DIGIT */
function version(cursor: Cursor): HttpVersion {
  cursor.expect('HTTP/');
  const major = cursor.peek();
  if (!isDigit(major)) cursor.refuse('no version');
  cursor.at++;
  cursor.expect('.');
  const minor = cursor.peek();
  if (!isDigit(minor)) cursor.refuse('no version');
  cursor.at++;
  cursor.expectEnd();
  if (major === '0') cursor.refuse('no version');
  if (major !== '1') throw new RemoteProtocolError(505, 'another version');
  return minor === '0' ? '1.0' : '1.1';
}

export function parseVersion(text: string, start: number, end: number): HttpVersion {
  return version(new Cursor(text, start, end));
}
