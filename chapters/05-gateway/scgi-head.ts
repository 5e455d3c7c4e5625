/**
 * The head of an SCGI request (https://python.ca/scgi/protocol.txt): CGI's variables as a netstring.
 *
 *     70:CONTENT_LENGTH␀27␀SCGI␀1␀REQUEST_METHOD␀POST␀REQUEST_URI␀/deepthought␀,What is the answer to life?
 *
 * Takes bytes and says what they mean; knows nothing of sockets.
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
 * @returns `null` where more must come
 * @throws RemoteProtocolError 431 for a head that is too long, 400 for anything that is not a head
 */
export function parseScgiHead(bytes: Buffer, headBytesMax: number): ScgiHead | null {
  // TODO 5.7  A netstring: a length in digits (without a zero before others, at most nine of them), a colon, so many
  //           bytes, a comma. Say as early as you can that it is none: `broken` for what is no length, a
  //           RemoteProtocolError 431 for one beyond `headBytesMax`, before its bytes have come; null, as long as it is
  //           not all there. The last byte before the comma is a NUL. `parseVariables` takes what is before that NUL,
  //           as latin1. SCGI must be 1, and CONTENT_LENGTH digits, 15 at most; else it is `broken`. `rest` is what is
  //           behind the comma.
  throw new NotImplemented('5.7');
}

function parseVariables(text: string): Map<string, string> {
  const parts = text.split('\0');
  if (parts.length % 2 !== 0) throw broken('a name without a value');
  const variables = new Map<string, string>();
  for (let i = 0; i < parts.length; i += 2) {
    const name = parts[i]!;
    // "Duplicate names are not allowed in the headers." Two readers could take different ones.
    if (name === '' || variables.has(name)) throw broken('a name that is empty or comes twice');
    variables.set(name, parts[i + 1]!);
  }
  return variables;
}

function broken(what: string): RemoteProtocolError {
  return new RemoteProtocolError(400, `no SCGI request: ${what}`);
}
