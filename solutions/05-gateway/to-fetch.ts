/**
 * An application as a fetch handler: for servers and tests that speak `Request` and `Response`.
 */

import { HttpHeaders, mayHaveBody, refusal } from '../02-http/index.ts';
import type { HeaderPair } from '../02-http/index.ts';
import type { AppBody } from './app-body.ts';
import { callApp } from './call-app.ts';
import type { AppResponse } from './call-app.ts';
import { environOf } from './environ.ts';
import type { RequestFacts } from './environ.ts';
import type { GatewayApp } from './gateway.ts';
import { BodyInput, foreignBody, noInput } from './input.ts';
import { withServer } from './server-field.ts';
import { withGatewayDefaults } from './settings.ts';
import type { GatewayOptions } from './settings.ts';

/** Makes a fetch handler of an application. A response's body that is not read must be cancelled, or it stays open. */
export function toFetch(app: GatewayApp, options: GatewayOptions = {}): (request: Request) => Promise<Response> {
  const settings = withGatewayDefaults(options);
  return async (request) => {
    const { body } = request;
    const input = body === null ? noInput : new BodyInput(() => foreignBody(body), settings.heldBytesMax);
    try {
      const environ = environOf(fetchFacts(request), settings, input);
      const answered = await callApp(app, environ, request.signal, settings.onError);
      return toResponse({ ...answered, headers: withServer(answered.headers, settings.serverField) }, request.method);
    } catch (error) {
      const { status, headers, body: text } = refusal(error);
      return new Response(String(text), { status, headers: copy(headers) });
    }
  };
}

function toResponse({ status, reason, headers, body }: AppResponse, method: string): Response {
  const init: ResponseInit = { status, statusText: reason, headers: copy(headers) };
  if (mayHaveBody(status, method)) {
    return new Response(body instanceof Uint8Array ? new Uint8Array(body) : streamOf(body), init);
  }
  if (!(body instanceof Uint8Array)) body.close();
  return new Response(null, init);
}

function streamOf(body: AppBody): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      let result = await body.next();
      while (result.done !== true && result.value.length === 0) result = await body.next();
      if (result.done === true) {
        body.close();
        controller.close();
      } else {
        // A copy: the application may reuse a part's memory when the next is asked for, but the reader may keep the
        // part.
        controller.enqueue(new Uint8Array(result.value));
      }
    },
    cancel: () => body.close(),
  }, { highWaterMark: 0 });
}

function fetchFacts(request: Request): RequestFacts {
  const url = new URL(request.url);
  const isHttps = url.protocol === 'https:';
  return {
    method: request.method,
    path: url.pathname,
    query: url.search.slice(1),
    form: 'absolute',
    authority: url.host,
    httpVersion: '1.1',
    headers: HttpHeaders.from(request.headers),
    scheme: isHttps ? 'https' : 'http',
    remoteAddress: undefined,
    remotePort: undefined,
    localAddress: url.hostname.replace(/^\[|\]$/g, ''),
    localPort: url.port === '' ? (isHttps ? 443 : 80) : Number(url.port),
    signal: request.signal,
  };
}

function copy(headers: readonly HeaderPair[]): [string, string][] {
  return headers.map(([name, value]) => [name, value]);
}
