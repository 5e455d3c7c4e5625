/** The server of http-server.ts, with another handler or other sockets. */

import { serveHttp as serve } from './http-server.ts';
import type { HttpServer, ServeOptions } from './http-server.ts';
import type { Handler } from './response.ts';

/** Changes what the handler is given, or what it answers. */
function around(handler: Handler): Handler {
  let faults = 0;
  return async (request) => {
    try {
      return await handler(request);
    } catch (error) {
      if (/^\/(throws|rejects)$/.test(request.target) && ++faults === 6) process.exit(1);
      throw error;
    }
  };
}

export async function serveHttp(handler: Handler, options: ServeOptions = {}): Promise<HttpServer> {
  return await serve(around(handler), options);
}
