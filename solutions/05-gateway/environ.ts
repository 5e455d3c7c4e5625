/**
 * A request as an environ: the rules G10 to G29 of docs/gateway-spec.md.
 *
 * It knows about requests and servers, and nothing about applications. The environ is plain data, so that
 * `{ ...environ }` is an environ too.
 */

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
  const rawPathInfo = request.path;
  const environ: Environ = {
    REQUEST_METHOD: request.method,
    SCRIPT_NAME: '',
    PATH_INFO: decodePathInfo(rawPathInfo),
    QUERY_STRING: request.query,
    SERVER_NAME: server.serverName ?? serverName(request.localAddress),
    SERVER_PORT: server.serverPort ?? serverPort(request),
    SERVER_PROTOCOL: request.httpVersion === '1.1' ? 'HTTP/1.1' : 'HTTP/1.0',
    'gateway.version': VERSION,
    'gateway.urlScheme': request.scheme,
    'gateway.input': input,
    'gateway.errors': server.errors,
    'gateway.multithread': server.multithread,
    'gateway.multiprocess': server.multiprocess,
    'gateway.runOnce': server.runOnce,
    'gateway.rawPathInfo': rawPathInfo,
    'gateway.signal': request.signal,
  };
  if (server.serverSoftware !== '') environ['SERVER_SOFTWARE'] = server.serverSoftware;
  if (request.remoteAddress !== undefined) environ.REMOTE_ADDR = request.remoteAddress;
  if (request.remotePort !== undefined) environ.REMOTE_PORT = String(request.remotePort);
  addFields(environ, request.headers.pairs());
  // RFC 9112 §3.2.2: with an absolute-form the Host field MUST be ignored.
  if (request.form === 'absolute') environ['HTTP_HOST'] = request.authority;
  return environ;
}

/** Adds the header fields; several lines with the same name are joined (RFC 9110 §5.3). */
function addFields(environ: Environ, fields: readonly HeaderPair[]): void {
  for (const [name, value] of fields) {
    const key = fieldKey(name);
    if (key === null) continue;
    const before = environ[key];
    if (before === undefined) environ[key] = value;
    // RFC 6265 §5.4: the cookies of one request are a list with semicolons.
    else environ[key] = `${String(before)}${key === 'HTTP_COOKIE' ? '; ' : ', '}${value}`;
  }
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
