/** The server of chapter 02, with all its limits and timeouts on. */

import { HttpResponse, serveHttp } from '../../../solutions/02-http/index.ts';
import type { HeaderPair } from '../../../solutions/02-http/index.ts';
import { announce, collectGarbage, hello, large } from './routes.ts';

const text: readonly HeaderPair[] = [['Content-Type', 'text/plain']];

const server = await serveHttp(
  (request) => {
    switch (request.path) {
      case '/': return new HttpResponse(200, text, hello);
      case '/large': return new HttpResponse(200, text, large);
      case '/sink': return sink(request.body);
      case '/gc': return new HttpResponse(200, text, collectGarbage());
      default: return new HttpResponse(404);
    }
  },
  // Idle connections are counted in a scenario of their own: they must last.
  { timeouts: { idleMs: 600_000 } },
);

async function sink(body: AsyncIterable<Uint8Array>): Promise<HttpResponse> {
  let length = 0;
  for await (const part of body) length += part.length;
  return new HttpResponse(200, text, String(length));
}

announce(Number(new URL(server.origin).port));
