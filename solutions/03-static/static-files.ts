/**
 * The handler: from a request to the file that it means, and what happens to requests that mean none.
 */

import { HttpError, HttpResponse, mayHaveBody } from '../02-http/index.ts';
import type { Handler, HttpRequest } from '../02-http/index.ts';
import { preferredCodings } from './accept-encoding.ts';
import type { CodingOrIdentity } from './accept-encoding.ts';
import { CachedSource } from './cached-source.ts';
import { decodePath } from './decode-path.ts';
import type { DecodedPath } from './decode-path.ts';
import { candidates, redirectToSlash } from './directory.ts';
import { readEntries } from './directory-entry.ts';
import { FileBody } from './file-body.ts';
import { FileSource } from './file-source.ts';
import type { Source } from './file-source.ts';
import { listing } from './listing.ts';
import { withDefaults } from './options.ts';
import type { Settings, StaticOptions } from './options.ts';
import type { Representation } from './representation.ts';
import { respond } from './respond.ts';
import { Root, isDirectoryAt, resolvePath } from './root.ts';

const ALLOW = 'GET, HEAD, OPTIONS';

/**
 * Serves the files below a directory.
 *
 * The handler answers 200, 206, 301, 304, 412 and 416 by itself and throws an HttpError for 400, 403, 404, 405, 406 and
 * 503, so that its caller can answer these in another way.
 *
 * @param root the directory; it is looked up with each request
 * @throws LocalProtocolError at once for headers that cannot be sent
 */
export function staticFiles(root: string, options: StaticOptions = {}): Handler {
  const site = new StaticSite(root, withDefaults(options));
  return (request) => site.handle(request);
}

class StaticSite {
  readonly #root: Root;
  readonly #settings: Settings;
  readonly #source: Source;

  constructor(root: string, settings: Settings) {
    this.#root = new Root(root, settings);
    this.#settings = settings;
    const files = new FileSource(this.#root, settings);
    this.#source = settings.cacheBytesMax > 0 ? new CachedSource(files, settings) : files;
  }

  handle(request: HttpRequest): HttpResponse | Promise<HttpResponse> {
    if (request.method !== 'GET' && request.method !== 'HEAD') return this.#otherMethod(request);
    const path = decodePath(request.path, this.#settings);
    const codings = this.#codings(request);
    const found = this.#find(candidates(path, this.#settings), codings);
    // A file in memory is answered with at once, without a promise.
    if (found !== null && !(found instanceof Promise)) return this.#respond(request, found);
    return this.#answer(request, path, found);
  }

  async #answer(request: HttpRequest, path: DecodedPath, finding: Promise<Representation | null> | null): Promise<HttpResponse> {
    const found = await finding;
    if (found === null) return this.#answerDirectory(request, path);
    const response = this.#respond(request, found);
    if (response.body instanceof FileBody && mayHaveBody(response.status, request.method)) await this.#readAhead(response.body);
    return response;
  }

  async #readAhead(body: FileBody): Promise<void> {
    try {
      await body.readAhead();
    } catch (error) {
      body.close();
      throw error;
    }
  }

  #respond(request: HttpRequest, found: Representation): HttpResponse {
    try {
      return respond(request, found, this.#settings.rangesMax);
    } catch (error) {
      found.content.close();
      throw error;
    }
  }

  #codings(request: HttpRequest): readonly CodingOrIdentity[] {
    const { encodings } = this.#settings;
    return encodings.length === 0 ? ['identity'] : preferredCodings(request.headers.get('accept-encoding'), encodings);
  }

  /** The first one that exists: of the files that the path may mean, in the coding that the client likes best. */
  #find(
    files: readonly (readonly string[])[],
    codings: readonly CodingOrIdentity[],
    start = 0,
  ): Representation | null | Promise<Representation | null> {
    for (let i = start; i < files.length * codings.length; i++) {
      const found = this.#source.find(files[Math.floor(i / codings.length)]!, codings[i % codings.length]!);
      if (found instanceof Promise) return found.then((settled) => settled ?? this.#find(files, codings, i + 1));
      if (found !== null) return found;
    }
    return null;
  }

  /** There is no such file: it is a directory, or nothing. */
  async #answerDirectory(request: HttpRequest, path: DecodedPath): Promise<HttpResponse> {
    const found = await resolvePath(this.#root, request.path, this.#settings);
    if (!(await isDirectoryAt(found))) throw new HttpError(this.#codings(request).includes('identity') ? 404 : 406);
    if (!path.isDirectory) return redirectToSlash(path, request.query, this.#settings);
    if (!this.#settings.listing) throw new HttpError(404);
    return listing(path.names, await readEntries(found, path.names, this.#root, this.#settings), this.#settings);
  }

  #otherMethod(request: HttpRequest): HttpResponse {
    if (request.method !== 'OPTIONS') throw new HttpError(otherMethodStatus(request.method), '', [['Allow', ALLOW]]);
    return new HttpResponse(204, [['Allow', ALLOW], ...this.#settings.headers]);
  }
}

/** RFC 9110 §9.1: 405 for a method that is known, and 501 for one that is not. Methods are case-sensitive. */
function otherMethodStatus(method: string): 405 | 501 {
  return /^(?:POST|PUT|DELETE|CONNECT|TRACE|PATCH)$/.test(method) ? 405 : 501;
}
