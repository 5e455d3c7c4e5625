/**
 * A fetch handler as an application: `(request: Request) => Response`, as Hono's `app.fetch` is one.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { HttpError, reasonPhrase } from '../02-http/index.ts';
import { answer } from './answer.ts';
import type { Environ, GatewayApp, GatewayInput } from './gateway.ts';
import { requestFields, requestPath } from './request-fields.ts';
import { isHopByHop } from './response-head.ts';

export type FetchHandler = (request: Request) => Response | Promise<Response>;

/** Fetch makes no Request with these methods, in upper or lower case (Fetch §2.2.1). */
const FORBIDDEN = /^(?:connect|trace|track)$/i;

/** Makes an application of a fetch handler. Its request has the whole URL, even if it is mounted below a path. */
export function fromFetch(handler: FetchHandler): GatewayApp {
  return async function* (environ, startResponse) {
    if (FORBIDDEN.test(environ.REQUEST_METHOD)) return yield* answer(startResponse, 501);
    // TODO 5.6  Call the handler. Start the response with its status, its text (if that is empty, the usual one from
    //           `reasonPhrase`, or any text if there is none: G40) and its header fields, except those about the
    //           connection (`isHopByHop`). Then give the parts of its body, if it has one, as they come.
    throw new NotImplemented('5.6');
  };
}

/**
 * A Request passes an abort on only while something holds it, so a handler that kept only its signal would never learn
 * of one. So each Request is kept as long as the signal that it follows.
 */
const followers = new WeakMap<AbortSignal, Request>();

function toRequest(environ: Environ): Request {
  // TODO 5.6  Make a Request for `urlOf` this environ, with its method, its fields (`requestFields`) and its signal. If
  //           the request `hasBody`, and the method is neither GET nor HEAD, the body is `streamOf` the input, with
  //           `duplex: 'half'`: the answer may begin before the body has been read. `followers` keeps the Request
  //           alive.
  throw new NotImplemented('5.6');
}

/** Nothing is read before the stream is asked for it. */
function streamOf(input: GatewayInput): ReadableStream<Uint8Array> {
  // TODO 5.6  Make a stream of the input's parts. Each part is read only when the stream is asked for it, not even one
  //           in advance (`highWaterMark`). Cancelling the stream gives up the iteration.
  throw new NotImplemented('5.6');
}

function hasBody(environ: Environ): boolean {
  return Number(environ.CONTENT_LENGTH ?? 0) > 0 || environ['HTTP_TRANSFER_ENCODING'] !== undefined;
}

/** What ends the authority in a URL, or comes before the host in it. */
const NOT_IN_HOST = /[/?#@\\\s]/;

/**
 * PEP 3333, "URL Reconstruction": Host, if there is one, otherwise the server's own name and port.
 *
 * @throws HttpError 400 for a Host that HTTP allows and a URL does not: `a:99999`, `256.256.256.256`
 */
function urlOf(environ: Environ): string {
  const { 'gateway.urlScheme': scheme, 'gateway.rawPathInfo': rawPathInfo, QUERY_STRING: query } = environ;
  const host = typeof environ['HTTP_HOST'] === 'string' && environ['HTTP_HOST'] !== ''
    ? environ['HTTP_HOST']
    : `${environ.SERVER_NAME}:${environ.SERVER_PORT}`;
  const path = rawPathInfo === '*' ? '/' : requestPath(environ);
  const url = `${scheme}://${host}${path}${query === '' ? '' : `?${query}`}`;
  if (NOT_IN_HOST.test(host) || !URL.canParse(url)) throw new HttpError(400, 'no URL has this Host');
  return url;
}
