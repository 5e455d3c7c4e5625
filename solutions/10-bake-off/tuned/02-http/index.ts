/**
 * Chapter 02, HTTP from bytes: the only door into this chapter.
 */

// 2.1 request line
export { parseRequestLine } from './request-line.ts';
export type { HttpVersion, RequestLine } from './request-line.ts';
export type { TargetForm } from './request-target.ts';

// 2.2 header fields
export { parseFieldLine, parseFieldSection, parseHeaderField } from './field-line.ts';
export { HttpHeaders } from './headers.ts';
export type { HeaderPair } from './headers.ts';
export { checkHost } from './host.ts';
export { lowerCaseFieldName } from './field-name.ts';

// 2.3 body framing
export { bodyFraming, parseContentLength, responseBodyFraming } from './body-framing.ts';
export type { BodyFraming, FramedHead } from './body-framing.ts';
export { parseChunkLine } from './chunk-line.ts';
export { ChunkedDecoder } from './chunked-decoder.ts';

// 2.4 writing responses
export { HttpResponse } from './response.ts';
export type {
  BodyIterable, BodyPart, Handler, HeadersInit, ResponseBody, ResponseOptions, TakeOver,
} from './response.ts';
export { fieldLines } from './field-lines.ts';
export type { FieldLines } from './field-lines.ts';
export { mayHaveBody, responseFraming, responseHead } from './response-head.ts';
export type { Answered } from './response-head.ts';
export { reasonPhrase, statusLine } from './response-status.ts';
export { httpDate } from './http-date.ts';
export { wireBytes } from './body-writer.ts';
export type { WireData } from './body-writer.ts';

// 2.5 connections
export { HttpConnection } from './connection.ts';
export type { HttpConnectionOptions } from './connection.ts';
export * from './events.ts';
export type { Role, State, Transition } from './states.ts';
export { transitions } from './states.ts';
export { expectsContinue, persists } from './persistence.ts';
export { listHas, tokenList, trimWhitespace } from './token-list.ts';
export { HttpServer, serveHttp } from './http-server.ts';
export type { CloseOptions, ServeOptions } from './http-server.ts';
export { HttpRequest } from './request.ts';
export type { RequestSource } from './request.ts';
export { RequestBody } from './request-body.ts';
export type { BodySource } from './request-body.ts';

// 2.6 refusing
export { HttpError, LocalProtocolError, RemoteProtocolError } from './errors.ts';
export { isOurFault, refusal } from './refusal.ts';
export { defaultLimits, withDefaultLimits } from './limits.ts';
export type { HttpLimits } from './limits.ts';
export { defaultTimeouts } from './timeouts.ts';
export type { HttpTimeouts } from './timeouts.ts';
export type { ErrorReporter } from './server-context.ts';

// 2.7 first site
export { otherMethodStatus } from './methods.ts';
export { site } from './site.ts';
