/**
 * Routes as a list of regular expressions, tried one after the other.
 */

import type { RouteSegment } from './route-path.ts';

/** A route, and what stood in the place of its parameters: still encoded. */
export interface FoundRoute<Route> {
  readonly route: Route;
  readonly values: readonly string[];
  /** Where what a wildcard has taken begins, behind its slash. Without one, where it would: behind the path. */
  readonly restStart: number;
}

interface Entry<Route> {
  readonly method: string | null;
  readonly order: string;
  readonly pattern: RegExp;
  readonly toRest: boolean;
  readonly route: Route;
}

export class RouteTree<Route> {
  readonly #entries: Entry<Route>[] = [];
  readonly #known = new Map<string, Route>();

  add(method: string | null, segments: readonly RouteSegment[], route: Route): Route | null {
    const order = segments.map(({ kind }) => ({ static: 'a', param: 'b', rest: 'c' })[kind]).join('');
    const source = segments.map((segment) => (segment.kind === 'static' ? textOf(segment.text) : segment.kind === 'param' ? '/([^/]+)' : '/(.*)')).join('');
    const key = `${method} ${source}`;
    const other = this.#known.get(key);
    if (other !== undefined) return other;
    this.#known.set(key, route);
    const toRest = segments.at(-1)?.kind === 'rest';
    this.#entries.push({ method, order, pattern: new RegExp(`^${source}$`, 's'), toRest, route });
    this.#entries.sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
    return null;
  }

  find(method: string, path: string): FoundRoute<Route> | null {
    const text = normal(path);
    for (const wanted of method === 'HEAD' ? ['HEAD', 'GET', null] : [method, null]) {
      for (const { method: own, pattern, toRest, route } of this.#entries) {
        const match = own === wanted ? pattern.exec(text) : null;
        if (match === null) continue;
        const values = match.slice(1);
        const rest = toRest ? (values.pop() ?? '') : null;
        return { route, values, restStart: rest === null ? path.length + 1 : restStartOf(path, text, rest) };
      }
    }
    return null;
  }

  methodsOf(path: string): Set<string | null> {
    const text = normal(path);
    return new Set(this.#entries.filter(({ pattern }) => pattern.test(text)).map(({ method }) => method));
  }
}

function textOf(text: string): string {
  return `/${encodeURIComponent(text).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`;
}

/** Each segment encoded in the one way. */
function normal(path: string): string {
  return path.split('/').map((segment) => encodeURIComponent(decodeURIComponent(segment))).join('/');
}

function restStartOf(path: string, text: string, rest: string): number {
  const behind = text.slice(0, text.length - rest.length).split('/').length - 1;
  let at = 0;
  for (let i = 0; i < behind; i++) at = path.indexOf('/', at) + 1;
  return at;
}
