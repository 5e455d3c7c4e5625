/** The server of http-server.ts, with another handler or other sockets. */

import { serveHttp as serve } from './http-server.ts';
import type { HttpServer, ServeOptions } from './http-server.ts';
import { HttpResponse } from './response.ts';
import type { Handler } from './response.ts';

/** Changes what the handler is given, or what it answers. */
function around(handler: Handler): Handler {
  return (request) => (request.method === 'HEAD' ? new HttpResponse(405, [['Allow', 'GET']]) : handler(request));
}

export async function serveHttp(handler: Handler, options: ServeOptions = {}): Promise<HttpServer> {
  return await serve(around(handler), options);
}
