/**
 * A first site: a few routes, as one handler.
 */

import { HttpError } from './errors.ts';
import { HttpResponse } from './message.ts';
import type { Handler, HttpRequest } from './message.ts';

/** The answers of one path, by method. */
type Route = Readonly<Record<string, Handler>>;

/** The methods of RFC 9110 §9 and PATCH. */
const METHODS = /^(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH)$/;

/** A Map, and not an object: `/__proto__` is not a route. */
const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/', { GET: () => page('Ten Servers', '<p>Served from the bytes up. <a href="/about">About</a>.</p>') }],
  ['/about', { GET: () => page('About', '<p>A web server of your own, without <code>node:http</code>.</p>') }],
  ['/time', { GET: () => HttpResponse.text(`${new Date().toISOString()}\n`) }],
  ['/echo', { POST: echo }],
]);

/**
 * `/`, `/about`, `/time` and `POST /echo`; 404 for other paths, 405 with Allow for other methods. HEAD is answered like
 * GET, and the connection leaves out the body.
 */
export const site: Handler = (request) => {
  if (request.form === 'asterisk') return new HttpResponse(204, { Allow: 'GET, HEAD, OPTIONS, POST' });
  const route = routes.get(request.path);
  if (route === undefined) throw new HttpError(404);
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  if (Object.hasOwn(route, method)) return route[method]!(request);
  const methods = Object.keys(route);
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  if (request.method === 'OPTIONS') return new HttpResponse(204, { Allow: allow });
  // RFC 9110 §15.5.6: a 405 MUST list what would have worked. §9.1: 501 for a method that nobody knows.
  throw new HttpError(METHODS.test(method) ? 405 : 501, '', [['Allow', allow]]);
};

async function echo(request: HttpRequest): Promise<HttpResponse> {
  const type = request.headers.get('content-type') ?? 'application/octet-stream';
  return new HttpResponse(200, { 'Content-Type': type }, await request.bytes());
}

function page(title: string, content: string): HttpResponse {
  const head = `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>${title}</title>\n`;
  const html = `${head}<h1>${title}</h1>\n${content}\n`;
  return new HttpResponse(200, { 'Content-Type': 'text/html; charset=utf-8' }, html);
}
