/**
 * The negotiation of permessage-deflate (RFC 7692 §7.1): which of a client's offers a server accepts, with which
 * parameters, and whether a server's answer fits what was offered.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import type { ExtensionOffer } from './websocket-types.ts';

/** What both sides have agreed on. */
export interface DeflateParameters {
  /** The server's messages do not refer to earlier ones. */
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  /** The window that the server's messages refer into, as a power of two: 8 to 15. */
  readonly serverMaxWindowBits: number;
  readonly clientMaxWindowBits: number;
}

const NAME = 'permessage-deflate';
const WINDOW_BITS_MAX = 15;

/** What a side wants by default: nothing that saves memory. */
export const defaultDeflateParameters: DeflateParameters = Object.freeze({
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: WINDOW_BITS_MAX,
  clientMaxWindowBits: WINDOW_BITS_MAX,
});

/** The parameters of one offer or answer; `true` for a window without a value. */
interface Parameters {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  serverMaxWindowBits: number | undefined;
  clientMaxWindowBits: number | true | undefined;
}

/**
 * For a server: accepts the first offer that it can.
 *
 * @param wanted what the server wants. The client is asked for it as far as its offer allows
 * @returns what was agreed on and the member of Sec-WebSocket-Extensions that says so; `null` if no offer will do
 */
export function acceptDeflate(
  offers: readonly ExtensionOffer[],
  wanted: DeflateParameters = defaultDeflateParameters,
): { parameters: DeflateParameters; answer: string } | null {
  // TODO 6.7  Follow RFC 7692 §7.1.1 and §7.1.2. For each parameter, both sides get the stricter of what the client
  //           offers and what the server wants; `clientWindow` says which window the client may be asked for. If
  //           `readParameters` returns `null`, that offer cannot be accepted. `parameterList` writes the answer, which
  //           names the server's window whenever the offer did.
  throw new NotImplemented('6.7');
}

/** §7.1.2.2: a client that did not offer client_max_window_bits MUST NOT be asked for it. */
function clientWindow(offered: number | true | undefined, wanted: number): number {
  // TODO 6.7  Return the window that the client will use, at most WINDOW_BITS_MAX. `offered` is `undefined` if the
  //           client did not offer the parameter, and `true` if it offered it without a value.
  throw new NotImplemented('6.7');
}

/** For a client: its offer. It always takes a smaller window of its own, if the server asks for one. */
export function offerDeflate(wanted: DeflateParameters = defaultDeflateParameters): string {
  const list = parameterList(wanted, false);
  return wanted.clientMaxWindowBits < WINDOW_BITS_MAX ? list : `${list}; client_max_window_bits`;
}

/** For a client: what the server has agreed on; `null` if its answer does not fit the offer (RFC 7692 §7.1). */
export function acceptedDeflate(
  answer: ExtensionOffer,
  wanted: DeflateParameters = defaultDeflateParameters,
): DeflateParameters | null {
  const answered = readParameters(answer);
  if (answered === null) return null;
  const { serverMaxWindowBits = WINDOW_BITS_MAX, clientMaxWindowBits = WINDOW_BITS_MAX } = answered;
  // §7.1.2.2: in an answer it MUST have a value.
  if (clientMaxWindowBits === true || serverMaxWindowBits > wanted.serverMaxWindowBits) return null;
  if (wanted.serverNoContextTakeover && !answered.serverNoContextTakeover) return null;
  return {
    serverNoContextTakeover: answered.serverNoContextTakeover,
    clientNoContextTakeover: answered.clientNoContextTakeover || wanted.clientNoContextTakeover,
    serverMaxWindowBits,
    clientMaxWindowBits: Math.min(clientMaxWindowBits, wanted.clientMaxWindowBits),
  };
}

function parameterList(parameters: DeflateParameters, answerServerBits: boolean): string {
  let list = NAME;
  if (parameters.serverNoContextTakeover) list += '; server_no_context_takeover';
  if (parameters.clientNoContextTakeover) list += '; client_no_context_takeover';
  if (answerServerBits || parameters.serverMaxWindowBits < WINDOW_BITS_MAX) {
    list += `; server_max_window_bits=${parameters.serverMaxWindowBits}`;
  }
  if (parameters.clientMaxWindowBits < WINDOW_BITS_MAX) {
    list += `; client_max_window_bits=${parameters.clientMaxWindowBits}`;
  }
  return list;
}

/**
 * §7.1: a parameter that is unknown, given twice or with a value that it cannot have makes the whole offer or answer
 * unacceptable.
 */
function readParameters(extension: ExtensionOffer): Parameters | null {
  if (extension.name.toLowerCase() !== NAME) return null;
  const read: Parameters = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: undefined,
    clientMaxWindowBits: undefined,
  };
  const seen = new Set<string>();
  for (const [name, value] of extension.parameters) {
    if (seen.has(name)) return null;
    seen.add(name);
    switch (name) {
      case 'server_no_context_takeover':
        if (value !== true) return null;
        read.serverNoContextTakeover = true;
        break;
      case 'client_no_context_takeover':
        if (value !== true) return null;
        read.clientNoContextTakeover = true;
        break;
      case 'server_max_window_bits': {
        const bits = windowBits(value);
        if (bits === null) return null;
        read.serverMaxWindowBits = bits;
        break;
      }
      case 'client_max_window_bits': {
        const bits = value === true ? true : windowBits(value);
        if (bits === null) return null;
        read.clientMaxWindowBits = bits;
        break;
      }
      default:
        return null;
    }
  }
  return read;
}

/** 8 to 15, in decimal and without leading zeros. */
function windowBits(value: string | true): number | null {
  return value !== true && /^(?:[89]|1[0-5])$/.test(value) ? Number(value) : null;
}
