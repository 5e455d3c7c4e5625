/** The server of http-server.ts, with another handler or other sockets. */

import { serveHttp as serve } from './http-server.ts';
import type { HttpServer, ServeOptions } from './http-server.ts';
import { HttpResponse } from './response.ts';
import type { Handler } from './response.ts';

/** Changes what the handler is given, or what it answers. */
function around(handler: Handler): Handler {
  return async (request) => {
    const response = await handler(request);
    const { body } = response;
    if (typeof body === 'string' || body instanceof Uint8Array || request.method === 'HEAD' || response.trailers !== undefined) return response;
    if (!(Symbol.asyncIterator in body)) return response;
    const { status, headers, reason } = response;
    async function* whole(): AsyncGenerator<Uint8Array> {
      const parts: Buffer[] = [];
      for await (const part of body as AsyncIterable<string | Uint8Array>) parts.push(Buffer.from(part as string));
      yield Buffer.concat(parts);
    }
    const all = Object.assign(whole(), { close: () => body.close?.() });
    return new HttpResponse(status, headers, all, reason === undefined ? {} : { reason });
  };
}

export async function serveHttp(handler: Handler, options: ServeOptions = {}): Promise<HttpServer> {
  return await serve(around(handler), options);
}
