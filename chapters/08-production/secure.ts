/**
 * Between a server and browsers: from plain HTTP to HTTPS by a redirect, then by a field that asks for nothing else, and no
 * requests that another site has made up.
 */

import type { AsyncApp, HttpScope, WebSocketScope } from '../06-websocket/index.ts';
import { NotImplemented } from '#course/not-implemented.ts';

/**
 * Answers everything with a redirect to the same place over HTTPS.
 *
 * @param portOf the port of HTTPS, asked for with each request
 */
export function redirectToHttps(portOf: () => number): AsyncApp {
  // TODO 8.1  The host is that of the request, its port is `portOf()` and is left out if it is 443; path and query stay as they
  //           were sent, and so does the method (RFC 9110 §15.4.9). Without a host, and for a target that is not a path, the
  //           answer is 400. A WebSocket is closed.
  throw new NotImplemented('8.1');
}

/** The value of Strict-Transport-Security. @param hstsMs in milliseconds */
export function strictTransport(hstsMs: number): string {
  // TODO 8.1  RFC 6797 §6.1.1: seconds, and no fractions.
  throw new NotImplemented('8.1');
}

/** Adds Strict-Transport-Security to what goes out over TLS, unless the application has one of its own. */
export function withStrictTransport(app: AsyncApp, hstsMs: number): AsyncApp {
  // TODO 8.1  Do what the comment above says. 0 is off. Over plain HTTP it MUST NOT be sent (RFC 6797 §7.2): anyone could have
  //           written it there.
  throw new NotImplemented('8.1');
}

/** Methods that change nothing (RFC 9110 §9.2.1). */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether a browser sends this for a page of another site, with the user's cookies: then it must not change anything
 * (cross-site request forgery). Programs other than browsers send neither field, and have nobody's cookies.
 */
export function isForged(scope: HttpScope | WebSocketScope): boolean {
  // TODO 8.3  What is safe may come from anywhere. Otherwise Sec-Fetch-Site decides: `same-origin` and `none` (an address that a
  //           user has typed) are fine, and nothing else is. Browsers from before 2023 send Origin alone, which must be our
  //           own host then: all of it, in any case.
  throw new NotImplemented('8.3');
}

/** Answers what {@link isForged} with 403. */
export function withoutForgery(app: AsyncApp): AsyncApp {
  // TODO 8.3  Do what the comment above says; a WebSocket is closed. The application does not hear of it.
  throw new NotImplemented('8.3');
}
