/**
 * Between a server and browsers: from plain HTTP to HTTPS by a redirect, then by a field that asks for nothing else, and no
 * requests that another site has made up.
 */

import { HttpError } from '../02-http/index.ts';
import type { AsyncApp, HttpScope, WebSocketScope } from '../06-websocket/index.ts';

/**
 * Answers everything with a redirect to the same place over HTTPS.
 *
 * @param portOf the port of HTTPS, asked for with each request
 */
export function redirectToHttps(portOf: () => number): AsyncApp {
  return async (scope, _receive, send) => {
    if (scope.type === 'lifespan') return;
    if (scope.type === 'websocket') return await send({ type: 'websocket.close' });
    const { headers, rootPath, rawPath, query } = scope;
    const host = headers.find(([name]) => name === 'host')?.[1].replace(/:\d*$/, '') ?? '';
    // RFC 9112 §3.2: an HTTP/1.0 client may leave Host out, and we do not know what it wants.
    if (host === '' || !rawPath.startsWith('/')) throw new HttpError(400);
    const port = portOf();
    const location = `https://${host}${port === 443 ? '' : `:${port}`}${rootPath}${rawPath}${query === '' ? '' : `?${query}`}`;
    // RFC 9110 §15.4.9: 308 keeps the method, so that a POST does not become a GET.
    await send({ type: 'http.response.start', status: 308, headers: [['Location', location], ['Content-Type', 'text/plain']] });
    await send({ type: 'http.response.body', body: Buffer.from(`${location}\n`) });
  };
}

/** The value of Strict-Transport-Security. @param hstsMs in milliseconds */
export function strictTransport(hstsMs: number): string {
  return `max-age=${Math.round(hstsMs / 1000)}`;
}

/** Adds Strict-Transport-Security to what goes out over TLS, unless the application has one of its own. */
export function withStrictTransport(app: AsyncApp, hstsMs: number): AsyncApp {
  return (scope, receive, send) => {
    // RFC 6797 §7.2: it MUST NOT be sent over plain HTTP, where anybody could have written it.
    if (hstsMs === 0 || scope.type !== 'http' || scope.scheme !== 'https') return app(scope, receive, send);
    return app(scope, receive, (event) => {
      if (event.type !== 'http.response.start') return send(event);
      const headers = event.headers ?? [];
      const isThere = headers.some(([name]) => name.toLowerCase() === 'strict-transport-security');
      return send(isThere ? event : { ...event, headers: [...headers, ['Strict-Transport-Security', strictTransport(hstsMs)]] });
    });
  };
}

/** Methods that change nothing (RFC 9110 §9.2.1). */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether a browser sends this for a page of another site, with the user's cookies: then it must not change anything
 * (cross-site request forgery). Programs other than browsers send neither field, and have nobody's cookies.
 */
export function isForged(scope: HttpScope | WebSocketScope): boolean {
  if (scope.type === 'http' && SAFE_METHODS.has(scope.method)) return false;
  const valueOf = (wanted: string): string | undefined => scope.headers.find(([name]) => name === wanted)?.[1];
  const site = valueOf('sec-fetch-site');
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  // Browsers from before 2023 send no more than this.
  const origin = valueOf('origin');
  return origin !== undefined && origin.replace(/^https?:\/\//i, '').toLowerCase() !== valueOf('host')?.toLowerCase();
}

/** Answers what {@link isForged} with 403. */
export function withoutForgery(app: AsyncApp): AsyncApp {
  return async (scope, receive, send) => {
    if (scope.type === 'lifespan' || !isForged(scope)) return await app(scope, receive, send);
    if (scope.type === 'websocket') return await send({ type: 'websocket.close' });
    await send({ type: 'http.response.start', status: 403, headers: [['Content-Type', 'text/plain']] });
    await send({ type: 'http.response.body', body: Buffer.from('Not from another site.\n') });
  };
}
