/** The request line as a state machine over bytes. */

import { TARGET, TOKEN, classOf } from './characters.ts';
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

type LineState = 'method' | 'target' | 'version';

export function parseRequestLine(
  text: string,
  limits: HttpLimits = defaultLimits,
  start = 0,
  end: number = text.length,
): RequestLine {
  let state: LineState = 'method';
  let method = '';
  let target = '';
  let version = '';
  if (end - start > limits.requestLineBytesMax) throw new RemoteProtocolError(414, 'too long');
  for (let at = start; at < end; at++) {
    const byte = text.charCodeAt(at);
    const character = text.charAt(at);
    if (state === 'method' && byte === 0x20 && method !== '') state = 'target';
    else if (state === 'target' && byte === 0x20 && target !== '') state = 'version';
    else if (state === 'method' && ((classOf[byte] ?? 0) & TOKEN) !== 0) method += character;
    else if (state === 'target' && ((classOf[byte] ?? 0) & TARGET) !== 0) target += character;
    else if (state === 'version' && version.length < 8) version += character;
    else throw new RemoteProtocolError(400, `unexpected byte ${byte} in the ${state}`);
  }
  if (state !== 'version') throw new RemoteProtocolError(400, 'no request line');
  return { method, target, form: targetForm(method, target), httpVersion: parseVersion(version, 0, version.length) };
}

const PATTERN = 'HTTP/d.d';

export function parseVersion(text: string, start: number, end: number): HttpVersion {
  const digits: number[] = [];
  for (let at = start; at < end; at++) {
    const wanted = PATTERN[at - start];
    const byte = text.charCodeAt(at);
    if (wanted === 'd' && byte >= 0x30 && byte <= 0x39) digits.push(byte - 0x30);
    else if (text[at] !== wanted) throw new RemoteProtocolError(400, 'no version');
  }
  const [major = 0, minor] = digits;
  if (end - start !== PATTERN.length || major === 0) throw new RemoteProtocolError(400, 'no version');
  if (major > 1) throw new RemoteProtocolError(505, 'another version');
  return minor === 0 ? '1.0' : '1.1';
}
