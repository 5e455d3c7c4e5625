/**
 * Chapter 02, HTTP from bytes: the only door into this chapter.
 */

export { type BodyEvent, bodyFraming, ChunkedDecoder, parseChunkLine, parseContentLength } from './body.ts';
export { HttpConnection, type HttpConnectionOptions } from './connection.ts';
export {
  defaultLimits, HttpError, type HttpLimits, type HttpTimeouts, LocalProtocolError, RemoteProtocolError,
} from './errors.ts';
export type * from './events.ts';
export { checkHost, expectsContinue, parseRequestLine, persists } from './head.ts';
export { type HeaderPair, HttpHeaders, listHas, parseFieldSection, parseHeaderField } from './headers.ts';
export {
  type BodyIterable, type BodyPart, type ErrorReporter, type Handler, type HeadersInit, type HttpRequest, HttpResponse,
  isOurFault, refusal, type ResponseBody, type ResponseOptions, type TakeOver,
} from './message.ts';
export { type CloseOptions, HttpServer, type ListenOptions, type ServeOptions, serveHttp } from './server.ts';
export { site } from './site.ts';
export { mayHaveBody, reasonPhrase, type WireData } from './writer.ts';
