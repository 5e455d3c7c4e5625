/** The server of http-server.ts, with another handler or other sockets. */

import { serveHttp as serve } from './http-server.ts';
import type { HttpServer, ServeOptions } from './http-server.ts';
import type { Handler } from './response.ts';

/** Changes what the handler is given, or what it answers. */
function around(handler: Handler): Handler {
  const counts = new Map<number | undefined, number>();
  return (request) => {
    const count = (counts.get(request.remotePort) ?? 0) + 1;
    counts.set(request.remotePort, count);
    if (count > 6) process.exit(1);
    return handler(request);
  };
}

export async function serveHttp(handler: Handler, options: ServeOptions = {}): Promise<HttpServer> {
  return await serve(around(handler), options);
}
