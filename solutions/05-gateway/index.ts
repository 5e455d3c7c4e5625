/**
 * Chapter 05, a gateway interface, a router and middleware: the only door into this chapter.
 */

// the interface
export type {
  Body, Environ, GatewayApp, GatewayErrors, GatewayHeader, GatewayInput, Middleware, StartResponse,
} from './gateway.ts';
export { GatewayError } from './gateway-error.ts';
export { defaultHeldBytesMax, withGatewayDefaults } from './settings.ts';
export type { GatewayErrorReporter, GatewayOptions, GatewaySettings } from './settings.ts';

// 5.1 environ
export { environOf } from './environ.ts';
export type { RequestFacts } from './environ.ts';
export { decodePathInfo } from './path-info.ts';
export { BodyInput, noInput } from './input.ts';

// 5.2 calling an application
export { toHandler } from './to-handler.ts';
export { callApp } from './call-app.ts';
export type { AppResponse } from './call-app.ts';
export type { AppBody } from './app-body.ts';

// 5.4 router
// 5.5 middleware
// 5.7 CGI and SCGI
// ── names of router.ts, compose.ts, the middleware, cgi.ts, scgi.ts, notes.ts: between these lines ──

// ── end ──
