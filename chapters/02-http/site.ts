/**
 * A first site: a few routes, as one handler.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { HttpError } from './errors.ts';
import type { HttpRequest } from './request.ts';
import { HttpResponse } from './response.ts';
import type { Handler } from './response.ts';

/** The answers of one path, by method. */
type Route = ReadonlyMap<string, Handler>;

/**
 * `/`, `/about`, `/time` and `POST /echo`; 404 for other paths, 405 with Allow for other methods. HEAD is answered
 * like GET, and the connection leaves out the body.
 */
export const site: Handler = (request) => {
  // TODO 2.7  Four routes, as a table of paths and methods: `/` and `/about` are pages (see `page` below), `/time` is
  //           the current time as text in ISO 8601, `POST /echo` sends the body back with the type it came with. Any
  //           other path is 404, any other method 405 with Allow. HEAD goes wherever GET does; OPTIONS, and `OPTIONS
  //           *`, is 204 with Allow. `throw new HttpError(404)` is an answer too.
  throw new NotImplemented('2.7');
};

function page(title: string, content: string): HttpResponse {
  const head = `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>${title}</title>\n`;
  const html = `${head}<h1>${title}</h1>\n${content}\n`;
  return new HttpResponse(200, { 'Content-Type': 'text/html; charset=utf-8' }, html);
}
