/**
 * Turns an environ into a scope.
 */

import type { HeaderPair, HttpVersion } from '../02-http/index.ts';
import type { Environ } from '../05-gateway/index.ts';
import { VERSION } from './http-scope.ts';
import type { Endpoint, HttpScope } from './scopes.ts';

/** A server of part one does not say when it stops. */
const never = new AbortController().signal;

/** Makes a scope from an environ. Its header fields are those of the environ: one line for each name. */
export function environScope(environ: Environ): HttpScope {
  const { SERVER_NAME: name, SERVER_PORT: port, REMOTE_ADDR: address, REMOTE_PORT: remotePort } = environ;
  return {
    type: 'http',
    version: VERSION,
    httpVersion: environ.SERVER_PROTOCOL.slice('HTTP/'.length) as HttpVersion,
    method: environ.REQUEST_METHOD,
    scheme: environ['gateway.urlScheme'],
    rootPath: environ.SCRIPT_NAME,
    path: environ.PATH_INFO,
    rawPath: environ['gateway.rawPathInfo'],
    query: environ.QUERY_STRING,
    headers: fieldsOf(environ),
    client: endpoint(address, remotePort),
    server: endpoint(name, port),
    state: {},
    signal: environ['gateway.signal'],
    stopping: never,
    extensions: environ['gateway.earlyHints'] === undefined ? {} : { 'http.response.earlyHints': {} },
  };
}

function fieldsOf(environ: Environ): HeaderPair[] {
  const fields: HeaderPair[] = [];
  for (const [key, value] of Object.entries(environ)) {
    if (typeof value !== 'string') continue;
    if (key === 'CONTENT_TYPE' || key === 'CONTENT_LENGTH') fields.push([fieldName(key), value]);
    else if (key.startsWith('HTTP_')) fields.push([fieldName(key.slice('HTTP_'.length)), value]);
  }
  return fields;
}

function fieldName(key: string): string {
  return key.toLowerCase().replaceAll('_', '-');
}

function endpoint(address: string | undefined, port: string | undefined): Endpoint | null {
  return address === undefined || port === undefined ? null : { address, port: Number(port) };
}
