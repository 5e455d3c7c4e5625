/**
 * The head of an SCGI request (https://python.ca/scgi/protocol.txt): CGI's variables as a netstring.
 *
 *     70:CONTENT_LENGTH␀27␀SCGI␀1␀REQUEST_METHOD␀POST␀REQUEST_URI␀/deepthought␀,What is the answer to life?
 *
 * Takes bytes and returns what they mean; knows nothing about sockets.
 */

import { RemoteProtocolError } from '../02-http/index.ts';

/** The head of a request. */
export interface ScgiHead {
  readonly variables: ReadonlyMap<string, string>;
  /** Bytes of the body. */
  readonly contentLength: number;
  /** What has come after the head. */
  readonly rest: Buffer;
}

const COLON = 0x3a;
const COMMA = 0x2c;

/**
 * Parses the head of a request.
 *
 * @param bytes what has come so far
 * @param headBytesMax the variables all together
 * @returns `null` if more must come
 * @throws RemoteProtocolError 431 for a head that is too long, 400 for anything that is not a head
 */
export function parseScgiHead(bytes: Buffer, headBytesMax: number): ScgiHead | null {
  const colon = bytes.subarray(0, 10).indexOf(COLON);
  const digits = bytes.toString('latin1', 0, colon === -1 ? Math.min(bytes.length, 10) : colon);
  const isLength = /^(?:0|[1-9]\d{0,8})$/.test(digits);
  if (!isLength && (colon !== -1 || digits !== '')) throw broken('no length at its beginning');
  if (Number(digits) > headBytesMax) throw new RemoteProtocolError(431, 'the head is too long');
  const end = colon + 1 + Number(digits);
  if (colon === -1 || bytes.length <= end) return null;
  if (bytes[end] !== COMMA || (end > colon + 1 && bytes[end - 1] !== 0)) throw broken('no end where it should be');
  const variables = parseVariables(bytes.toString('latin1', colon + 1, end - 1));
  const length = variables.get('CONTENT_LENGTH') ?? '';
  if (variables.get('SCGI') !== '1' || !/^\d{1,15}$/.test(length)) throw broken('SCGI or CONTENT_LENGTH missing');
  return { variables, contentLength: Number(length), rest: bytes.subarray(end + 1) };
}

function parseVariables(text: string): Map<string, string> {
  const parts = text.split('\0');
  if (parts.length % 2 !== 0) throw broken('a name without a value');
  const variables = new Map<string, string>();
  for (let i = 0; i < parts.length; i += 2) {
    const [name, value] = [parts[i]!, parts[i + 1]!];
    const before = variables.get(name);
    if (name === '' || (before !== undefined && !mayRepeat(name))) throw broken('a name that is empty or comes twice');
    variables.set(name, before === undefined ? value : `${before}${name === 'HTTP_COOKIE' ? '; ' : ', '}${value}`);
  }
  return variables;
}

/**
 * "Duplicate names are not allowed in the headers": two readers could take different ones. But nginx before 1.23 sends
 * a variable for each line of a field, and sending several is allowed (RFC 9110 §5.3). The lines are joined like those
 * of HTTP (G18). There is only one Host (RFC 9112 §3.2).
 */
function mayRepeat(name: string): boolean {
  return name.startsWith('HTTP_') && name !== 'HTTP_HOST';
}

function broken(what: string): RemoteProtocolError {
  return new RemoteProtocolError(400, `no SCGI request: ${what}`);
}
