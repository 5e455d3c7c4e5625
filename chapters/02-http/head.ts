/**
 * The head of a message: its start line, its fields, and what they say about the connection.
 *
 * A reader returns the head and its length, `null` (need more), or throws a RemoteProtocolError. Bodies are elsewhere.
 */

import { isIPv6 } from 'node:net';

import { NotImplemented } from '#course/not-implemented.ts';
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
  // TODO 2.1  One space between the three parts, and only one. A line that is not a request line is refused, with the
  //           status that the comment above names. `start` and `end` cut the line out of a longer text.
  throw new NotImplemented('2.1');
}

/** RFC 9112 §2.3: case-sensitive, and a digit on each side. HTTP/0.9 wrote no version, so 0 is not one. */
function parseVersion(text: string): HttpVersion {
  // TODO 2.1  Two digits, and the letters as they are. 1.0 is `1.0`, and every later 1.x is `1.1`. Another major
  //           version is a 505; what is not a version is a 400.
  throw new NotImplemented('2.1');
}

/** Finds out the form of a target, and whether it fits the method. */
function targetForm(method: string, target: string): TargetForm {
  // TODO 2.1  Four forms, and each method takes only some of them: the lesson has the table. Anything else is a 400.
  throw new NotImplemented('2.1');
}

/**
 * The two halves of a target in absolute-form; both are empty in any other. The path begins with `/` (RFC 9112 §3.2.2).
 */
export function splitAbsolute(target: string): { authority: string; pathAndQuery: string } {
  // TODO 2.1  `http` and `https`, in upper or lower case.
  throw new NotImplemented('2.1');
}

function isAuthority(text: string): boolean {
  // TODO 2.1  A name, an IPv4 address, or an address in brackets, with a port or without one: NAMED_HOST and
  //           LITERAL_HOST know the grammar, but not which IPv6 addresses there are (`isIPv6`).
  throw new NotImplemented('2.1');
}

/**
 * Checks the Host field of a request.
 *
 * @throws RemoteProtocolError 400 when it is missing (from HTTP/1.1 on), repeated or invalid: all three a MUST (RFC
 *   9112 §3.2)
 */
export function checkHost(line: RequestLine, headers: HttpHeaders): void {
  throw new NotImplemented('2.2');
}

/**
 * Whether the sender of this head wants the connection to persist: by default since 1.1, on request in 1.0 (RFC 9112
 * §9.3).
 */
export function persists(head: FramedHead): boolean {
  // TODO 2.3  A list of tokens, in upper or lower case. `close` wins.
  throw new NotImplemented('2.3');
}

/**
 * Whether the client waits for a 100 before it sends the body (RFC 9110 §10.1.1).
 *
 * @throws RemoteProtocolError 417 for an expectation other than 100-continue
 */
export function expectsContinue(head: FramedHead): boolean {
  // TODO 2.3  An HTTP/1.0 client is never waiting: from such a client the expectation MUST be ignored.
  throw new NotImplemented('2.3');
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
  // TODO 2.12 Like a request, it is looked for from the beginning of the text: a status line of ours, or of another
  //           server, and the fields after it.
  throw new NotImplemented('2.12');
}

/**
 * `HTTP-version SP 3DIGIT [ SP reason ]` (RFC 9112 §4). The space before an empty reason may be missing: many servers
 * leave it out.
 */
function parseStatusLine(line: string): { status: number; reason: string; httpVersion: HttpVersion } {
  throw new NotImplemented('2.12');
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
