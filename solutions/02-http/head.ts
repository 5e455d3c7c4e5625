/**
 * The head of a message: its start line, its fields, and what they say about the connection.
 *
 * A reader returns the head and its length, `null` (need more), or throws a RemoteProtocolError. Bodies are elsewhere.
 */

import { isIPv6 } from 'node:net';

import { bodyFraming, responseBodyFraming } from './body.ts';
import { defaultLimits, type HttpLimits, RemoteProtocolError } from './errors.ts';
import type {
  FramedHead, HttpVersion, ReceivedFields, RequestEvent, RequestLine, ResponseEvent, TargetForm,
} from './events.ts';
import { endOfLine, FIELD_VALUE, HttpHeaders, listHas, parseFieldSection, TOKEN, tokenList } from './headers.ts';

/**
 * What a target may hold. RFC 3986 allows no `\ ^ { | }` or backtick, but browsers send these unencoded (WHATWG URL),
 * so they pass: our policy. No space, control, `#`, `"`, `<`, `>`, and nothing beyond ASCII.
 */
export const TARGET = /^[!$-;=?-~]+$/;
const ABSOLUTE = /^https?:\/\/([^/?]*)(.*)$/i;
/**
 * `uri-host [ ":" port ]` (RFC 3986 §3.2.2): a name or an IPv4 address. User information is refused (RFC 9110 §4.2.4).
 */
const NAMED_HOST = /^(?:[\w\-.~!$&'()*+,;=]|%[\da-f]{2})+(?::\d*)?$/i;
const LITERAL_HOST = /^\[(?:v[\da-f]+\.[\w\-.~!$&'()*+,;=:]+|([\da-f:.]+))\](?::\d*)?$/i;

/**
 * Parses `method SP request-target SP HTTP-version` (RFC 9112 §3).
 *
 * @param text the line without its CRLF, or a longer text that holds it from `start` to `end`
 * @throws RemoteProtocolError 414 when it is too long, 505 for another major version, 400 for anything else
 */
export function parseRequestLine(
  text: string, limits: HttpLimits = defaultLimits, start = 0, end: number = text.length,
): RequestLine {
  if (end - start > limits.requestLineBytesMax) throw new RemoteProtocolError(414, 'request line too long');
  // One space on each side, and only one: RFC 9112 §3 allows leniency here, but smuggling thrives on it.
  const [method = '', target = '', version = '', ...more] = text.slice(start, end).split(' ');
  if (!TOKEN.test(method)) throw new RemoteProtocolError(400, 'invalid method');
  if (!TARGET.test(target) || more.length > 0) throw new RemoteProtocolError(400, 'invalid request target');
  return { method, target, form: targetForm(method, target), httpVersion: parseVersion(version) };
}

/** RFC 9112 §2.3: case-sensitive, and a digit on each side. HTTP/0.9 wrote no version, so 0 is not one. */
function parseVersion(text: string): HttpVersion {
  const [, major, minor] = /^HTTP\/([1-9])\.(\d)$/.exec(text) ?? [];
  if (major !== '1') throw new RemoteProtocolError(major === undefined ? 400 : 505, 'HTTP version not supported');
  return minor === '0' ? '1.0' : '1.1';
}

/** Finds out the form of a target, and whether it fits the method. */
function targetForm(method: string, target: string): TargetForm {
  const named = isAuthority(splitAbsolute(target).authority);
  const form = target.startsWith('/') ? 'origin' : target === '*' ? 'asterisk' : named ? 'absolute' : 'authority';
  // RFC 9112 §3.2.3: authority-form, with a port, is for CONNECT and nothing else. §3.2.4: `*` is only for OPTIONS.
  const hasPort = isAuthority(target) && /:\d+$/.test(target);
  const fits = form === 'authority' ? hasPort : form !== 'asterisk' || method === 'OPTIONS';
  const isConnect = method === 'CONNECT';
  if (!fits || (form === 'authority') !== isConnect) throw new RemoteProtocolError(400, 'invalid request target');
  return form;
}

/**
 * The two halves of a target in absolute-form; both are empty in any other. The path begins with `/` (RFC 9112 §3.2.2).
 */
export function splitAbsolute(target: string): { authority: string; pathAndQuery: string } {
  const [, authority = '', rest = ''] = ABSOLUTE.exec(target) ?? [];
  return { authority, pathAndQuery: rest.startsWith('/') ? rest : `/${rest}` };
}

function isAuthority(text: string): boolean {
  if (NAMED_HOST.test(text)) return true;
  const literal = LITERAL_HOST.exec(text);
  return literal !== null && (literal[1] === undefined || isIPv6(literal[1]));
}

/**
 * Checks the Host field of a request.
 *
 * @throws RemoteProtocolError 400 when it is missing (from HTTP/1.1 on), repeated or invalid: all three a MUST (RFC
 *   9112 §3.2)
 */
export function checkHost(line: RequestLine, headers: HttpHeaders): void {
  const [host, ...more] = headers.getAll('host');
  if (host === undefined && line.httpVersion === '1.0') return;
  // It may be empty where the target has no authority. We cannot tell here, so an empty one passes.
  const isOne = host !== undefined && more.length === 0;
  if (!isOne || (host !== '' && !isAuthority(host))) throw new RemoteProtocolError(400, 'invalid Host');
}

/**
 * Whether the sender of this head wants the connection to persist: by default since 1.1, on request in 1.0 (RFC 9112
 * §9.3).
 */
export function persists(head: FramedHead): boolean {
  const options = head.headers.get('connection');
  return !listHas(options, 'close') && (head.httpVersion === '1.1' || listHas(options, 'keep-alive'));
}

/**
 * Whether the client waits for a 100 before it sends the body (RFC 9110 §10.1.1).
 *
 * @throws RemoteProtocolError 417 for an expectation other than 100-continue
 */
export function expectsContinue(head: FramedHead): boolean {
  const expectations = tokenList(head.headers.get('expect')).filter((member) => member !== '');
  const isKnown = expectations.every((member) => member === '100-continue');
  if (!isKnown) throw new RemoteProtocolError(417, 'unknown expectation');
  // From an HTTP/1.0 client it MUST be ignored.
  return expectations.length > 0 && head.httpVersion === '1.1';
}

/** The most bytes that a head can have. */
export function headBytesMax({ emptyLinesMax, requestLineBytesMax, headerBytesMax }: HttpLimits): number {
  return emptyLinesMax * 2 + requestLineBytesMax + 2 + headerBytesMax + 2;
}

/** Reads a request's head from the beginning of a text. */
export function readRequestHead(text: string, limits: HttpLimits): RequestEvent | null {
  let start = 0;
  // RFC 9112 §2.2: a server SHOULD ignore at least one empty line before the request line.
  while (text.startsWith('\r\n', start)) start += 2;
  if (start > limits.emptyLinesMax * 2) throw new RemoteProtocolError(400, 'too many empty lines');
  // RFC 9112 §3: 414 is for a long target; a method longer than any that is implemented SHOULD be answered with 501.
  const longStatus = TOKEN.test(text.slice(start, start + limits.requestLineBytesMax)) ? 501 : 414;
  const head = readHead(text, start, limits, longStatus, (line) => parseRequestLine(line, limits));
  if (head === null) return null;
  checkHost(head, head.headers);
  return { type: 'request', ...head, framing: bodyFraming(head, limits) };
}

/** Reads a response's head from the beginning of a text. */
export function readResponseHead(text: string, limits: HttpLimits, requestMethod: string): ResponseEvent | null {
  const head = readHead(text, 0, limits, 400, parseStatusLine);
  if (head === null) return null;
  const type = head.status < 200 ? 'informational' : 'response';
  return { type, ...head, framing: responseBodyFraming(head, requestMethod, limits) };
}

/**
 * `HTTP-version SP 3DIGIT [ SP reason ]` (RFC 9112 §4). The space before an empty reason may be missing: many servers
 * leave it out.
 */
function parseStatusLine(line: string): { status: number; reason: string; httpVersion: HttpVersion } {
  const [, version = '', digits, reason = ''] = /^(\S+) ([1-5]\d\d)(?: (.*))?$/.exec(line) ?? [];
  if (digits === undefined || !FIELD_VALUE.test(reason)) throw new RemoteProtocolError(400, 'invalid status line');
  return { status: Number(digits), reason, httpVersion: parseVersion(version) };
}

/**
 * A start line and the field lines after it.
 *
 * @param longStatus what a start line beyond the limit is answered with
 */
function readHead<Line>(
  text: string, start: number, limits: HttpLimits, longStatus: number, parse: (line: string) => Line,
): (Line & ReceivedFields) | null {
  const lineEnd = endOfLine(text, start, limits.requestLineBytesMax, longStatus);
  if (lineEnd === -1) return null;
  const line = parse(text.slice(start, lineEnd));
  const offsets: number[] = [];
  const end = parseFieldSection(text, lineEnd + 2, limits.headerBytesMax, limits.headerCountMax, offsets);
  return end === -1 ? null : { ...line, headers: new HttpHeaders(text, offsets), byteLength: end };
}
