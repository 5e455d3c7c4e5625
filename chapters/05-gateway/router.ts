/**
 * A router: from a request's method and path to the application that answers it.
 *
 * route-tree.ts finds a route; this file does what follows, with a route or without.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { answer, answerEmpty } from './answer.ts';
import type { Body, Environ, GatewayApp, StartResponse } from './gateway.ts';
import { callMounted } from './mount.ts';
import { decodeSegment, namesOf, parseRoutePath } from './route-path.ts';
import type { RouteSegment } from './route-path.ts';
import { RouteTree } from './route-tree.ts';
import type { FoundRoute } from './route-tree.ts';

export interface RouterOptions {
  /** Answers if no route has the path. Default: 404 in plain text. */
  readonly notFound?: GatewayApp;
  /** A longer path, as it was sent, is answered with 414. Default 4096. */
  readonly pathCharactersMax?: number;
  /** A path of more segments is answered with 414; a route of more is refused. Default 64. */
  readonly segmentsMax?: number;
}

/**
 * The values of the parameters, decoded. The object has no prototype: `params.constructor` is a parameter or undefined.
 */
export type RouteParams = Readonly<Record<string, string>>;

interface Route {
  /** As the program wrote it. */
  readonly path: string;
  readonly app: GatewayApp;
  readonly names: readonly string[];
  readonly isMount: boolean;
}

/**
 * Finds applications by method and path. `app` is the router as an application.
 *
 * Paths are matched as they are written: `/a` is not `/a/`, and case counts. An application finds its parameters in
 * `environ['router.params']`; those of a router that is mounted have the mount's among them.
 */
export class Router {
  readonly #tree = new RouteTree<Route>();
  readonly #methods = new Set<string>(['OPTIONS']);
  /** Lists of names, each once: routes with the same ones share it. */
  readonly #names = new Map<string, readonly string[]>();
  readonly #notFound: GatewayApp;
  readonly #pathCharactersMax: number;
  readonly #segmentsMax: number;

  constructor(options: RouterOptions = {}) {
    this.#notFound = options.notFound ?? ((_environ, startResponse) => answer(startResponse, 404));
    this.#pathCharactersMax = options.pathCharactersMax ?? 4096;
    this.#segmentsMax = options.segmentsMax ?? 64;
  }

  /** GET, and HEAD where it has no route of its own. @throws TypeError as {@link Router.on} */
  get(path: string, app: GatewayApp): this {
    return this.on('GET', path, app);
  }

  post(path: string, app: GatewayApp): this {
    return this.on('POST', path, app);
  }

  put(path: string, app: GatewayApp): this {
    return this.on('PUT', path, app);
  }

  patch(path: string, app: GatewayApp): this {
    return this.on('PATCH', path, app);
  }

  delete(path: string, app: GatewayApp): this {
    return this.on('DELETE', path, app);
  }

  /** Every method that has no route of its own at this path, OPTIONS included. */
  any(path: string, app: GatewayApp): this {
    return this.#add(null, path, app);
  }

  /**
   * Adds a route.
   *
   * @param path `/users/:id`, `/files/*rest`; the rest may be empty, a parameter not
   * @throws TypeError for a path that is not valid, and for a route that exists already, whatever the names of its
   * parameters
   */
  on(method: string, path: string, app: GatewayApp): this {
    this.#methods.add(method);
    return this.#add(method, path, app);
  }

  /**
   * Mounts an application below a path: it gets every request there, except for those that a more specific route
   * matches.
   *
   * @param prefix without a trailing slash; it may have parameters; `''` matches everything
   */
  mount(prefix: string, app: GatewayApp): this {
    const wrong = (what: string): never => {
      throw new TypeError(`The mount '${prefix}' ${what}.`);
    };
    if (prefix.endsWith('/')) wrong('ends in a slash, which belongs to what is below it');
    if (prefix.includes('*')) wrong('has a wildcard; it takes all that is below it anyway');
    const segments = prefix === '' ? [] : parseRoutePath(prefix, this.#segmentsMax);
    const route: Route = { path: prefix, app, names: this.#namesOf(segments), isMount: true };
    this.#put(null, segments, route);
    return this.#put(null, [...segments, { kind: 'rest', name: '' }], route);
  }

  readonly app: GatewayApp = (environ, startResponse) => {
    // A mount leaves an empty path for its own: it means the root (RFC 9110 §4.2.3).
    const path = environ['gateway.rawPathInfo'] || '/';
    if (this.#isTooLong(path)) return answer(startResponse, 414);
    if (path === '*') return this.#otherwise(path, environ, startResponse);
    if (decodeSegment(path) === null) return answer(startResponse, 400, [], 'the path has a broken escape');
    const found = this.#tree.find(environ.REQUEST_METHOD, path);
    if (found === null) return this.#otherwise(path, environ, startResponse);
    environ['router.params'] = paramsOf(found, path, environ['router.params'] as RouteParams | undefined);
    const { app, isMount } = found.route;
    return isMount ? callMounted(app, found.restStart - 1, environ, startResponse) : app(environ, startResponse);
  };

  /** No route has this method: 204 for OPTIONS, 405 if another method has one (RFC 9110 §15.5.6), or 404. */
  #otherwise(path: string, environ: Environ, startResponse: StartResponse): Body {
    // TODO 5.4  Find the methods: for the path `*` (RFC 9110 §9.3.7) all that this router has (`#methods`), otherwise
    //           the tree's `methodsOf` the path. If there are none, or if the path is `*` and the method is not
    //           OPTIONS, `#notFound` answers. Answer OPTIONS with `answerEmpty`, and any other method with `answer`
    //           405. Both have Allow: the methods, OPTIONS, and HEAD if there is GET, each once and in any order.
    //           (`null` is not among them here: a path with a route for all methods has already been found.)
    throw new NotImplemented('5.4');
  }

  #add(method: string | null, path: string, app: GatewayApp): this {
    const segments = parseRoutePath(path, this.#segmentsMax);
    return this.#put(method, segments, { path, app, names: this.#namesOf(segments), isMount: false });
  }

  /** @throws TypeError if another route matches the same paths */
  #put(method: string | null, segments: readonly RouteSegment[], route: Route): this {
    const other = this.#tree.add(method, segments, route);
    if (other === null) return this;
    const what = other.isMount ? 'is mounted' : `was added for ${method ?? 'any method'}`;
    throw new TypeError(`'${route.path}' matches the same paths as '${other.path}', which ${what} already.`);
  }

  #namesOf(segments: readonly RouteSegment[]): readonly string[] {
    const names = namesOf(segments);
    const known = this.#names.get(names.join()) ?? names;
    this.#names.set(names.join(), known);
    return known;
  }

  #isTooLong(path: string): boolean {
    if (path.length > this.#pathCharactersMax) return true;
    // A path has no more segments than characters, so most paths need not be split.
    return path.length > this.#segmentsMax && path.split('/', this.#segmentsMax + 2).length > this.#segmentsMax + 1;
  }
}

/** What `new` makes is as fast as any object; what Object.create(null) makes is not. */
const Params = function () {} as unknown as new () => Record<string, string>;
Params.prototype = Object.create(null);

const noParams: RouteParams = Object.freeze(new Params());

function paramsOf(found: FoundRoute<Route>, path: string, outer: RouteParams | undefined): RouteParams {
  const { route: { names }, values, restStart } = found;
  if (names.length === 0) return outer ?? noParams;
  const params = new Params();
  if (outer !== undefined) for (const name of Object.keys(outer)) params[name] = outer[name]!;
  for (let i = 0; i < names.length; i++) {
    const value = i < values.length ? values[i]! : path.substring(restStart);
    params[names[i]!] = value.includes('%') ? decodeURIComponent(value) : value;
  }
  return params;
}
