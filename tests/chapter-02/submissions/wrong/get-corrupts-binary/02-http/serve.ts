/** The server of http-server.ts, with another handler or other sockets. */

import { serveHttp as serve } from './http-server.ts';
import type { HttpServer, ServeOptions } from './http-server.ts';
import { HttpResponse } from './response.ts';
import type { Handler } from './response.ts';

/** Changes what the handler is given, or what it answers. */
function around(handler: Handler): Handler {
  return async (request) => {
    const response = await handler(request);
    if (!(response?.body instanceof Uint8Array)) return response;
    const { status, headers, reason, body } = response;
    return new HttpResponse(status, headers, Buffer.from(body).toString(), reason === undefined ? {} : { reason });
  };
}

export async function serveHttp(handler: Handler, options: ServeOptions = {}): Promise<HttpServer> {
  return await serve(around(handler), options);
}
