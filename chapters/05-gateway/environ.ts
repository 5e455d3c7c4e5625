/**
 * A request as an environ: the rules G10 to G29 of docs/gateway-spec.md.
 *
 * It knows about requests and servers, and nothing about applications. The environ is plain data, so that
 * `{ ...environ }` is an environ too.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import type { HeaderPair, HttpVersion, TargetForm } from '../02-http/index.ts';
import { fieldKey } from './field-key.ts';
import type { Environ, GatewayInput } from './gateway.ts';
import { decodePathInfo } from './path-info.ts';
import type { GatewaySettings } from './settings.ts';

/** What an environ is made from. Chapter 02's HttpRequest has all of it; other sources give what they know. */
export interface RequestFacts {
  readonly method: string;
  /** As sent, without query. */
  readonly path: string;
  readonly query: string;
  readonly form: TargetForm;
  /** The host and port that the request is for. */
  readonly authority: string;
  readonly httpVersion: HttpVersion;
  readonly headers: { pairs(): readonly HeaderPair[] };
  readonly scheme: 'http' | 'https';
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly signal: AbortSignal;
}

const VERSION = Object.freeze([1, 0] as const);

/**
 * Makes the environ of a request.
 *
 * @throws HttpError 400 for a path that cannot be decoded
 */
export function environOf(request: RequestFacts, server: GatewaySettings, input: GatewayInput): Environ {
  // TODO 5.1  Make an environ as `Environ` in gateway.ts describes it (docs/gateway-spec.md, G10 to G24). SCRIPT_NAME
  //           is empty: there is no mount yet. PATH_INFO is `request.path`, decoded (`decodePathInfo`), and
  //           `gateway.rawPathInfo` is the path as it was sent. SERVER_NAME and SERVER_PORT are what the server was
  //           told to say, or else what `serverName` and `serverPort` below find. `gateway.version` is VERSION; the
  //           other `gateway.` keys come from `request`, `server` and `input`. What is not known is absent:
  //           REMOTE_ADDR, REMOTE_PORT, and SERVER_SOFTWARE if it is empty. `addFields` adds the header fields. If the
  //           target is in absolute form, HTTP_HOST is its authority, whatever the Host field says.
  throw new NotImplemented('5.1');
}

/** Adds the header fields; several lines with the same name are joined (RFC 9110 §5.3). */
function addFields(environ: Environ, fields: readonly HeaderPair[]): void {
  // TODO 5.1  Put every field under its `fieldKey`; if that is null, leave the field out. Join several lines with
  //           the same name in their order, with a comma and a space; Cookie lines with a semicolon and a space.
  throw new NotImplemented('5.1');
}

/** RFC 3875 §4.1.14: an IPv6 address is put in brackets. A Unix domain socket has no address. */
function serverName(address: string | undefined): string {
  if (address === undefined) return 'localhost';
  return address.includes(':') ? `[${address}]` : address;
}

function serverPort({ localPort, scheme }: RequestFacts): string {
  if (localPort !== undefined) return String(localPort);
  return scheme === 'https' ? '443' : '80';
}
