/**
 * Routes as a tree of maps. A search yields every place where a path leads, the best first; the caller stops when it
 * has one.
 */

import type { RouteSegment } from './route-path.ts';

/** A route, and the segments that its parameters match, still encoded. */
export interface FoundRoute<Route> {
  readonly route: Route;
  readonly values: readonly string[];
  /** Where the part that a wildcard matches begins, just after its slash. Without a wildcard, the end of the path. */
  readonly restStart: number;
}

type Routes<Route> = Map<string | null, Route>;

interface Node<Route> {
  readonly children: Map<string, Node<Route>>;
  param: Node<Route> | null;
  readonly ends: Routes<Route>;
  readonly rests: Routes<Route>;
}

interface End<Route> {
  readonly routes: Routes<Route>;
  readonly values: readonly string[];
  readonly restStart: number;
}

export class RouteTree<Route> {
  readonly #root = newNode<Route>();

  add(method: string | null, segments: readonly RouteSegment[], route: Route): Route | null {
    let node = this.#root;
    let routes = node.ends;
    for (const segment of segments) {
      if (segment.kind === 'rest') {
        routes = node.rests;
        break;
      }
      node = segment.kind === 'param' ? (node.param ??= newNode<Route>()) : childOf(node, segment.text);
      routes = node.ends;
    }
    const other = routes.get(method);
    if (other !== undefined) return other;
    routes.set(method, route);
    return null;
  }

  find(method: string, path: string): FoundRoute<Route> | null {
    for (const { routes, values, restStart } of this.#ends(path)) {
      const route = routes.get(method) ?? (method === 'HEAD' ? routes.get('GET') : undefined) ?? routes.get(null);
      if (route !== undefined) return { route, values, restStart };
    }
    return null;
  }

  methodsOf(path: string): Set<string | null> {
    const methods = new Set<string | null>();
    for (const { routes } of this.#ends(path)) for (const method of routes.keys()) methods.add(method);
    return methods;
  }

  #ends(path: string): Generator<End<Route>, void, undefined> {
    return ends(this.#root, path.split('/'), 1, 1, []);
  }
}

function* ends<Route>(node: Node<Route>, parts: readonly string[], i: number, at: number, values: readonly string[]): Generator<End<Route>, void, undefined> {
  const part = parts[i];
  if (part === undefined) {
    yield { routes: node.ends, values, restStart: at };
    return;
  }
  const next = at + part.length + 1;
  const child = node.children.get(decodeURIComponent(part));
  if (child !== undefined) yield* ends(child, parts, i + 1, next, values);
  if (node.param !== null && part !== '') yield* ends(node.param, parts, i + 1, next, [...values, part]);
  yield { routes: node.rests, values, restStart: at };
}

function newNode<Route>(): Node<Route> {
  return { children: new Map(), param: null, ends: new Map(), rests: new Map() };
}

function childOf<Route>(node: Node<Route>, text: string): Node<Route> {
  const known = node.children.get(text);
  if (known !== undefined) return known;
  const child = newNode<Route>();
  node.children.set(text, child);
  return child;
}
