/**
 * The head of a CGI script's answer: RFC 3875 §6. Takes bytes and returns what they mean; knows nothing about
 * processes.
 *
 *     Status: 404 Not Found
 *     Content-Type: text/plain
 *
 *     There is no such note.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { parseHeaderField } from '../02-http/index.ts';
import { statusText } from './answer.ts';
import type { GatewayHeader } from './gateway.ts';
import { isHopByHop } from './response-head.ts';
import { ScriptError } from './script-error.ts';

/** The head of an answer. */
export interface CgiHead {
  /** `404 Not Found` */
  readonly status: string;
  readonly headers: readonly GatewayHeader[];
  /** What has come after it. */
  readonly rest: Buffer;
}

const LINES_MAX = 100;

/**
 * Parses the head of an answer. Lines end with LF or CRLF, since what a script prints at the end of a line depends on
 * the system.
 *
 * @param bytes what the script has written so far
 * @returns `null` if the empty line after the head has not come yet
 * @throws ScriptError 502 for anything that is not a head
 */
export function parseCgiHead(bytes: Buffer): CgiHead | null {
  // TODO 5.7  The head ends with an empty line; each line ends in LF or CRLF. Return null as long as the end has not
  //           come. Before the end are at most LINES_MAX lines (more: `badHead`), each of them a field (`parseField`),
  //           and `headOf` says what they mean. What follows is `rest`, unchanged. Here a byte is a character: latin1.
  throw new NotImplemented('5.7');
}

/** Makes a response's head of a script's fields: `Status` and `Location` are meant for the server. */
function headOf(fields: readonly GatewayHeader[]): Omit<CgiHead, 'rest'> {
  const only = (name: string): string | undefined => {
    const values = fields.filter((field) => field[0].toLowerCase() === name);
    // RFC 3875 §6.3: the script MUST NOT send more than one of each of these.
    if (values.length > 1) throw badHead(`it has more than one ${name}`);
    return values[0]?.[1];
  };
  const location = only('location');
  const status = only('status');
  // RFC 3875 §6.2: at least one of the three is there.
  if (only('content-type') === undefined && location === undefined && status === undefined) {
    throw badHead('it has neither Content-Type nor Location nor Status');
  }
  if (status !== undefined && !/^[2-5]\d\d(?: |$)/.test(status)) throw badHead('its Status is not a status');
  // §6.2.3. If Location is a path, the server should answer as if that had been requested (§6.2.2). This is simplified
  // to a redirect, which costs the client a request, but needs no way back into the server.
  const code = status?.slice(0, 3) ?? (location === undefined ? '200' : '302');
  const reason = status?.slice(4).trim() ?? '';
  return {
    status: reason === '' ? statusText(Number(code)) : `${code} ${reason}`,
    // The connection does not belong to the script (G43), and Status is not an HTTP field.
    headers: fields.filter(([name]) => name.toLowerCase() !== 'status' && !isHopByHop(name)),
  };
}

function parseField(line: string): GatewayHeader {
  try {
    return parseHeaderField(line);
  } catch {
    throw badHead('a line is not a field');
  }
}

function badHead(what: string): ScriptError {
  return new ScriptError(502, `its head was not understood: ${what}`);
}
