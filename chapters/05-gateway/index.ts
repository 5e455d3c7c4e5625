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
export { encodeScriptName, requestPath } from './request-fields.ts';
export { decodePathInfo } from './path-info.ts';
export { BodyInput, noInput } from './input.ts';

// 5.2 calling an application
export { toHandler } from './to-handler.ts';
export { callApp } from './call-app.ts';
export type { AppResponse } from './call-app.ts';
export type { AppBody } from './app-body.ts';

// 5.3 the validator
export { validator } from './validator.ts';
export type { ValidatorOptions } from './validator.ts';
export { validatorRules } from './breaches.ts';
export type { Breach, RuleId, Side } from './breaches.ts';

// 5.6 adapters
export { fromNodeHandler } from './from-node-handler.ts';
export type { NodeHandler } from './from-node-handler.ts';
export { toNodeHandler } from './to-node-handler.ts';
export { fromFetch } from './from-fetch.ts';
export type { FetchHandler } from './from-fetch.ts';
export { toFetch } from './to-fetch.ts';

// an application by its name
export { errorLine, LoadAppError, loadApp, loadExport } from './load-app.ts';
export type { LoadProblem } from './load-app.ts';

// ── names of router.ts, compose.ts, the middleware, cgi.ts, scgi.ts, notes.ts: between these lines ──
// 5.4 router
export { Router } from './router.ts';
export type { RouteParams, RouterOptions } from './router.ts';
export { RouteTree } from './route-tree.ts';
export type { FoundRoute } from './route-tree.ts';
export { parseRoutePath } from './route-path.ts';
export type { RouteSegment } from './route-path.ts';
export { callMounted } from './mount.ts';

// 5.5 middleware
export { compose } from './compose.ts';
export { deferBody, wrapBody } from './wrap-body.ts';
export type { BodyHooks } from './wrap-body.ts';
export { publicFiles } from './public-files.ts';
export { accessLog } from './access-log.ts';
export type { AccessLogOptions, LogOutput } from './access-log.ts';
export { bearerAuth } from './bearer-auth.ts';
export type { BearerCredential, BearerOptions } from './bearer-auth.ts';
export { cors } from './cors.ts';
export type { CorsOptions } from './cors.ts';
export { errors } from './errors.ts';
export type { ErrorsOptions } from './errors.ts';
export { requestId } from './request-id.ts';
export type { RequestIdOptions } from './request-id.ts';
export { jsonBody } from './json-body.ts';
export type { JsonBodyOptions } from './json-body.ts';

// 5.7 CGI and SCGI
export { cgi } from './cgi.ts';
export type { CgiOptions } from './cgi.ts';
export { cgiVariables } from './cgi-variables.ts';
export { parseCgiHead } from './cgi-head.ts';
export type { CgiHead } from './cgi-head.ts';
export { ScgiServer, serveScgi } from './scgi.ts';
export type { ScgiOptions } from './scgi.ts';
export type { ScgiLimits } from './scgi-connection.ts';
export { parseScgiHead } from './scgi-head.ts';
export type { ScgiHead } from './scgi-head.ts';

// ── end ──
