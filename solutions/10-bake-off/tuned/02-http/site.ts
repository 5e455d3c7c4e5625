/**
 * A first site: a few routes, as one handler.
 */

import { HttpError } from './errors.ts';
import { otherMethodStatus } from './methods.ts';
import type { HttpRequest } from './request.ts';
import { HttpResponse } from './response.ts';
import type { Handler } from './response.ts';

/** The answers of one path, by method. */
type Route = ReadonlyMap<string, Handler>;

const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/', get(() => page('Ten Servers', '<p>Served from the bytes up. <a href="/about">About</a>.</p>'))],
  ['/about', get(() => page('About', '<p>A web server of your own, without <code>node:http</code>.</p>'))],
  ['/time', get(() => HttpResponse.text(`${new Date().toISOString()}\n`))],
  ['/echo', new Map([['POST', echo]])],
]);

/**
 * `/`, `/about`, `/time` and `POST /echo`; 404 for other paths, 405 with Allow for other methods. HEAD is answered
 * like GET, and the connection leaves out the body.
 */
export const site: Handler = (request) => {
  if (request.form === 'asterisk') return new HttpResponse(204, { Allow: 'GET, HEAD, OPTIONS, POST' });
  const route = routes.get(request.path);
  if (route === undefined) throw new HttpError(404);
  const handler = route.get(request.method === 'HEAD' ? 'GET' : request.method);
  if (handler !== undefined) return handler(request);
  const allow = allowedMethods(route);
  if (request.method === 'OPTIONS') return new HttpResponse(204, { Allow: allow });
  throw new HttpError(otherMethodStatus(request.method), '', [['Allow', allow]]);
};

function get(handler: Handler): Route {
  return new Map([['GET', handler]]);
}

async function echo(request: HttpRequest): Promise<HttpResponse> {
  const type = request.headers.get('content-type') ?? 'application/octet-stream';
  return new HttpResponse(200, { 'Content-Type': type }, await request.bytes());
}

function allowedMethods(route: Route): string {
  return [...route.keys(), ...(route.has('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
}

function page(title: string, content: string): HttpResponse {
  const head = `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>${title}</title>\n`;
  const html = `${head}<h1>${title}</h1>\n${content}\n`;
  return new HttpResponse(200, { 'Content-Type': 'text/html; charset=utf-8' }, html);
}
