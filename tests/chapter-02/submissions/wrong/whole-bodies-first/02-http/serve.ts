/** The server of http-server.ts, with another handler or other sockets. */

import { serveHttp as serve } from './http-server.ts';
import type { HttpServer, ServeOptions } from './http-server.ts';
import type { Handler } from './response.ts';

/** Changes what the handler is given, or what it answers. */
function around(handler: Handler): Handler {
  return async (request) => {
    const bytes = request.headers.has('expect') ? undefined : await request.bytes(100 << 20);
    if (bytes === undefined) return await handler(request);
    async function* parts(): AsyncGenerator<Buffer> {
      if (bytes !== undefined && bytes.length > 0) yield bytes;
    }
    const body = parts();
    const whole = new Proxy(request, {
      get: (target, name) => {
        if (name === 'body') return body;
        if (name === 'bytes') return async () => bytes;
        if (name === 'trailers') return target.trailers;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    return await handler(whole);
  };
}

export async function serveHttp(handler: Handler, options: ServeOptions = {}): Promise<HttpServer> {
  return await serve(around(handler), options);
}
