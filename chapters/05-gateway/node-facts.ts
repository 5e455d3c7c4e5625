/** What a request of `node:http` says, for an environ. */

import type { IncomingMessage } from 'node:http';

import { HttpError } from '../02-http/index.ts';
import type { HeaderPair, TargetForm } from '../02-http/index.ts';
import type { RequestFacts } from './environ.ts';

/**
 * @param signal aborts when the client has gone
 * @throws HttpError 400 for `*` with a method other than OPTIONS (RFC 9112 §3.2.4), which Node lets through
 */
export function nodeFacts(request: IncomingMessage, signal: AbortSignal): RequestFacts {
  const { socket } = request;
  const target = splitTarget(request.url ?? '/');
  if (target.form === 'asterisk' && request.method !== 'OPTIONS') throw new HttpError(400, 'invalid request target');
  return {
    ...target,
    method: request.method ?? 'GET',
    authority: target.authority ?? request.headers.host ?? '',
    httpVersion: request.httpVersionMinor === 0 ? '1.0' : '1.1',
    headers: { pairs: () => pairsOf(request.rawHeaders) },
    scheme: 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http',
    remoteAddress: socket.remoteAddress,
    remotePort: socket.remotePort,
    localAddress: socket.localAddress,
    localPort: socket.localPort,
    signal,
  };
}

/** RFC 9112 §3.2: Node passes on the target in whatever form it has. */
function splitTarget(target: string): { form: TargetForm; authority?: string; path: string; query: string } {
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(target);
  const pathAndQuery = absolute === null ? target : absolute[2]!;
  const queryStart = pathAndQuery.indexOf('?');
  const path = queryStart === -1 ? pathAndQuery : pathAndQuery.slice(0, queryStart);
  const query = queryStart === -1 ? '' : pathAndQuery.slice(queryStart + 1);
  if (absolute !== null) return { form: 'absolute', authority: absolute[1]!, path: path === '' ? '/' : path, query };
  return { form: target === '*' ? 'asterisk' : 'origin', path, query };
}

function pairsOf(rawHeaders: readonly string[]): HeaderPair[] {
  const pairs: HeaderPair[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) pairs.push([rawHeaders[at]!, rawHeaders[at + 1]!]);
  return pairs;
}
