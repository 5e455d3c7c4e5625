/**
 * The head of an SCGI request (https://python.ca/scgi/protocol.txt): CGI's variables as a netstring.
 *
 *     70:CONTENT_LENGTH␀27␀SCGI␀1␀REQUEST_METHOD␀POST␀REQUEST_URI␀/deepthought␀,What is the answer to life?
 *
 * Takes bytes and returns what they mean; knows nothing about sockets.
 */

import { NotImplemented } from '#course/not-implemented.ts';
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
  // TODO 5.7  A netstring is a length in digits (at most nine, no leading zero), a colon, that number of bytes, and a
  //           comma. Refuse anything else as early as you can: `broken` for what is not a length, and a
  //           RemoteProtocolError 431 for a length beyond `headBytesMax`, before its bytes have come. Return null as
  //           long as the netstring is incomplete. The last byte before the comma is a NUL. `parseVariables` takes what
  //           is before that NUL, as latin1. SCGI must be 1, and CONTENT_LENGTH at most 15 digits; otherwise it is
  //           `broken`. `rest` is what follows the comma.
  throw new NotImplemented('5.7');
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
