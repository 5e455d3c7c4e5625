/** The request line as one regular expression. */

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

const LINE = /^([!#$%&'*+\-.^_`|~\dA-Za-z]+) ([!$-;=?-\[\]-~\\^_`]+) HTTP\/(\d)\.(\d)$/;

export function parseRequestLine(
  text: string,
  limits: HttpLimits = defaultLimits,
  start = 0,
  end: number = text.length,
): RequestLine {
  const line = text.slice(start, end);
  if (line.length > limits.requestLineBytesMax) throw new RemoteProtocolError(414, 'too long');
  const match = LINE.exec(line);
  if (match === null || line.includes('\n')) throw new RemoteProtocolError(400, 'no request line');
  const [, method = '', target = ''] = match;
  const httpVersion = parseVersion(line, line.length - 8, line.length);
  return { method, target, form: targetForm(method, target), httpVersion };
}

export function parseVersion(text: string, start: number, end: number): HttpVersion {
  const match = /^HTTP\/([1-9])\.(\d)$/.exec(text.slice(start, end));
  if (match === null) throw new RemoteProtocolError(400, 'no version');
  if (match[1] !== '1') throw new RemoteProtocolError(505, 'another version');
  return match[2] === '0' ? '1.0' : '1.1';
}
