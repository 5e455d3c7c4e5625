/**
 * Routes as a tree, a level for each segment of their paths: finding one takes as many steps as the path has segments,
 * however many routes there are. It knows nothing about applications: a route is whatever was put there.
 *
 *     GET /users          users ─┬─ GET
 *     GET /users/:id             └─ : ─── GET
 *     GET /files/*rest    files ─── * ─── GET
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { RouteNode, routeFor } from './route-node.ts';
import type { Endpoint } from './route-node.ts';
import type { RouteSegment } from './route-path.ts';

/** A route, and the segments that its parameters match, still encoded. */
export interface FoundRoute<Route> {
  readonly route: Route;
  readonly values: readonly string[];
  /** Where the part that a wildcard matches begins, just after its slash. Without a wildcard, the end of the path. */
  readonly restStart: number;
}

export class RouteTree<Route> {
  readonly #root = new RouteNode<Route>();
  /** Each text is stored once, so that a name in 1,000 routes stays in the processor's cache. */
  readonly #texts = new Map<string, string>();

  /** Adds a route, unless there is one for the same method and paths already: then that one is returned. */
  add(method: string | null, segments: readonly RouteSegment[], route: Route): Route | null {
    const last = segments.at(-1);
    const toRest = last?.kind === 'rest';
    const node = this.#nodeAt(toRest ? segments.slice(0, -1) : segments);
    const first = toRest ? node.rest : node.endpoint;
    for (let endpoint = first; endpoint !== null; endpoint = endpoint.next) {
      if (endpoint.method === method) return endpoint.route;
    }
    node[toRest ? 'rest' : 'endpoint'] = { method, route, next: first };
    return null;
  }

  /**
   * The best route that a method has for a path: at each segment a static one before a parameter, and a parameter
   * before a wildcard; if the better one leads nowhere, the next best.
   *
   * @param path as sent, beginning with a slash, its escapes known to be sound: it is split before it is decoded, so
   *   that `%2F` is not a separator
   */
  find(method: string, path: string): FoundRoute<Route> | null {
    return new Search<Route>(path, (endpoint) => routeFor(endpoint, method)).below(this.#root, 1);
  }

  /** The methods that the routes of a path take; empty if it has none. `null` among them means all. */
  methodsOf(path: string): Set<string | null> {
    const methods = new Set<string | null>();
    // No match is ever accepted, so the search visits every place where the path leads.
    new Search<Route>(path, (first) => {
      for (let endpoint = first; endpoint !== null; endpoint = endpoint.next) methods.add(endpoint.method);
      return null;
    }).below(this.#root, 1);
    return methods;
  }

  #nodeAt(segments: readonly RouteSegment[]): RouteNode<Route> {
    let node = this.#root;
    for (const segment of segments) {
      if (segment.kind === 'static') node = node.child(segment.text) ?? node.addChild(this.#shared(segment.text));
      else node = node.param ??= new RouteNode();
    }
    return node;
  }

  #shared(text: string): string {
    const known = this.#texts.get(text);
    if (known === undefined) this.#texts.set(text, text);
    return known ?? text;
  }
}

class Search<Route> {
  readonly #path: string;
  readonly #encoded: boolean;
  readonly #choose: (first: Endpoint<Route> | null) => Route | null;
  readonly #values: string[] = [];

  constructor(path: string, choose: (first: Endpoint<Route> | null) => Route | null) {
    this.#path = path;
    this.#encoded = path.includes('%');
    this.#choose = choose;
  }

  /** Searches below a node for what follows the slash before `start`. It goes no deeper than the tree is. */
  below(node: RouteNode<Route>, start: number): FoundRoute<Route> | null {
    // TODO 5.4  Find the best route for what follows the slash before `start`: `#path` from there to its end. If the
    //           path has ended, the result is `#end` of the node's `endpoint` (with `start`, as for a wildcard).
    //           Otherwise take a segment, and try the branches in order: first the node's `child` (found by the decoded
    //           segment, if the path is `#encoded`); then its `param`, if the segment is not empty, which stays in
    //           `#values` while this branch is tried; and last its `rest`. If a branch leads nowhere (`null`), try the
    //           next. Take no more steps than the path has segments, apart from going back.
    throw new NotImplemented('5.4');
  }

  #end(first: Endpoint<Route> | null, restStart: number): FoundRoute<Route> | null {
    const route = this.#choose(first);
    return route === null ? null : { route, values: this.#values, restStart };
  }
}
