/**
 * A node of the tree of routes: how a path may go on, and which routes end here. It is small, because missing the
 * processor's cache in a table of 10,000 routes costs more than any step of the search: most nodes have one child or
 * none, and need no Map; most paths have one method, and need no list.
 */

/** A route for a method, and the next if there are more. `null` means all methods that have no route of their own. */
export interface Endpoint<Route> {
  readonly method: string | null;
  readonly route: Route;
  next: Endpoint<Route> | null;
}

export class RouteNode<Route> {
  /** For any one segment that is not empty. */
  param: RouteNode<Route> | null = null;
  /** The routes that end here. */
  endpoint: Endpoint<Route> | null = null;
  /** The routes that take all that follows. */
  rest: Endpoint<Route> | null = null;
  #text: string | null = null;
  #child: RouteNode<Route> | null = null;
  #children: Map<string, RouteNode<Route>> | null = null;

  /** The node that a static segment leads to, or `null`. */
  child(text: string): RouteNode<Route> | null {
    if (this.#children !== null) return this.#children.get(text) ?? null;
    return this.#text === text ? this.#child : null;
  }

  /** Makes the node that a static segment leads to. It must not be there yet. */
  addChild(text: string): RouteNode<Route> {
    const child = new RouteNode<Route>();
    if (this.#children !== null) this.#children.set(text, child);
    else if (this.#text === null) [this.#text, this.#child] = [text, child];
    else this.#children = new Map([[this.#text, this.#child!], [text, child]]);
    return child;
  }
}

/** A method's own route, or the one for all. */
export function routeFor<Route>(first: Endpoint<Route> | null, method: string): Route | null {
  let forAll: Route | null = null;
  let forGet: Route | null = null;
  for (let endpoint = first; endpoint !== null; endpoint = endpoint.next) {
    if (endpoint.method === method) return endpoint.route;
    if (endpoint.method === null) forAll = endpoint.route;
    else if (endpoint.method === 'GET') forGet = endpoint.route;
  }
  // RFC 9110 §9.3.2: HEAD is GET without the content, which the server leaves out.
  return method === 'HEAD' && forGet !== null ? forGet : forAll;
}
