/**
 * A fetch handler as an application: `(request: Request) => Response`, as Hono's `app.fetch` is one.
 */

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
    const response = await handler(toRequest(environ));
    const { status, statusText, body } = response;
    const headers = [...response.headers].filter(([name]) => !isHopByHop(name));
    try {
      startResponse(`${status} ${statusText || reasonPhrase(status) || 'Unknown'}`, headers);
    } catch (error) {
      await body?.cancel(error);
      throw error;
    }
    // Giving up the iteration cancels the stream.
    if (body !== null) yield* body;
  };
}

/**
 * A Request passes an abort on only while something holds it, so a handler that kept only its signal would never learn
 * of one. So each Request is kept as long as the signal that it follows.
 */
const followers = new WeakMap<AbortSignal, Request>();

function toRequest(environ: Environ): Request {
  const headers = new Headers();
  for (const [name, value] of requestFields(environ)) headers.append(name, value);
  const method = environ.REQUEST_METHOD;
  const init: RequestInit = { method, headers, signal: environ['gateway.signal'] };
  // Fetch allows these two no body.
  if (method !== 'GET' && method !== 'HEAD' && hasBody(environ)) {
    init.body = streamOf(environ['gateway.input']);
    init.duplex = 'half';
  }
  const request = new Request(urlOf(environ), init);
  followers.set(environ['gateway.signal'], request);
  return request;
}

/** Nothing is read before the stream is asked for it. */
function streamOf(input: GatewayInput): ReadableStream<Uint8Array> {
  const iterator = input[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    },
  }, { highWaterMark: 0 });
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
