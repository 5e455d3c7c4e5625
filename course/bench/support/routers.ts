/**
 * Routers in one process: how long each takes to find a route among 10, 1,000 and 10,000.
 *
 * Paths are made anew for each search, as they come off the wire: a string that a router has seen before has its hash
 * with it, and would make every Map look faster than it is. What that costs is measured alone and taken off.
 */

import findMyWay from 'find-my-way';
import { RegExpRouter } from 'hono/router/reg-exp-router';
import { TrieRouter } from 'hono/router/trie-router';

import { Router } from '../../../solutions/05-gateway/index.ts';
import type { Body, Environ, GatewayApp } from '../../../solutions/05-gateway/index.ts';
import { median } from './table.ts';

export interface RouterRow {
  readonly router: string;
  readonly routes: number;
  /** The same ten routes, however many there are. */
  readonly fewNs: number;
  /** Any of the routes, each as often: what does not fit into the processor's caches is felt. */
  readonly allNs: number;
}

/** What making the paths costs. */
const NO_ROUTER = 'none';

type Find = (path: string) => unknown;

const SEARCHES = 2_000;
/** A round of each router takes about so long. */
const ROUND_MS = 5;

/** Five kinds of route, a fifth of each: like those of an API. */
function makeRoutes(count: number): string[] {
  const routes: string[] = [];
  for (let i = 0; routes.length < count; i++) {
    routes.push(`/resource${i}`, `/resource${i}/:id`, `/resource${i}/:id/items/:item`);
    routes.push(`/group${i}/static/path/here`, `/group${i}/files/*rest`);
  }
  return routes.slice(0, count);
}

/** Paths of routes drawn at random, always the same ones. */
function makePaths(routes: readonly string[]): Buffer[] {
  let state = 1;
  return Array.from({ length: SEARCHES }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    const route = routes[(state >> 8) % routes.length]!;
    return Buffer.from(route.replace(':id', '42').replace(':item', 'abc').replace('*rest', 'a/b/c.txt'));
  });
}

function makeRouters(routes: readonly string[]): Map<string, Find> {
  const ours = new Router();
  const theirs = findMyWay();
  const regExp = new RegExpRouter<string>();
  const trie = new TrieRouter<string>();
  const nothing: Body = [];
  const app: GatewayApp = () => nothing;
  const handler = (): void => undefined;
  for (const route of routes) {
    const star = route.replace('*rest', '*');
    ours.get(route, app);
    theirs.on('GET', star, handler);
    regExp.add('GET', star, route);
    trie.add('GET', star, route);
  }
  const startResponse = (): void => undefined;
  const requestFor = (path: string): Environ => ({ REQUEST_METHOD: 'GET', 'gateway.rawPathInfo': path }) as Environ;
  return new Map<string, Find>([
    [NO_ROUTER, (path) => path],
    // All that a request costs in it: the checks of the path, the parameters, the call.
    ['ten-servers', (path) => ours.app(requestFor(path), startResponse)],
    ['find-my-way', (path) => theirs.find('GET', path)],
    ['hono RegExpRouter', (path) => regExp.match('GET', path)],
    ['hono TrieRouter', (path) => trie.match('GET', path)],
  ]);
}

/** What is measured in turns: a router, a table of routes, and the paths that are asked for. */
interface Case {
  readonly router: string;
  readonly routes: number;
  readonly few: boolean;
  readonly find: Find;
  readonly paths: readonly Buffer[];
  readonly times: number[];
}

function makeCases(counts: readonly number[]): Case[] {
  return counts.flatMap((count) => {
    const routes = makeRoutes(count);
    const routers = [...makeRouters(routes)];
    return [true, false].flatMap((few) => {
      const paths = makePaths(few ? routes.slice(0, 10) : routes);
      return routers.map(([router, find]) => ({ router, routes: count, few, find, paths, times: [] }));
    });
  });
}

/**
 * Measures every router with every number of routes: medians of rounds in turns, so that whatever else the machine does
 * meets all of them.
 */
export function measureRouters(counts: readonly number[], rounds: number): RouterRow[] {
  const cases = makeCases(counts);
  const passes = cases.map(({ find, paths }) => passesFor(find, paths));
  for (let round = 0; round < rounds; round++) {
    cases.forEach(({ find, paths, times }, i) => times.push(timeOf(find, paths, passes[i]!)));
  }
  const timeFor = (router: string, routes: number, few: boolean): number =>
    median(cases.find((one) => one.router === router && one.routes === routes && one.few === few)!.times);
  const search = (router: string, routes: number, few: boolean): number =>
    timeFor(router, routes, few) - timeFor(NO_ROUTER, routes, few);
  const names = [...new Set(cases.map(({ router }) => router))].filter((name) => name !== NO_ROUTER);
  return counts.flatMap((routes) => names.map((router) => ({
    router, routes, fewNs: search(router, routes, true), allNs: search(router, routes, false),
  })));
}

function passesFor(find: Find, paths: readonly Buffer[]): number {
  for (let warm = 0; warm < 5; warm++) timeOf(find, paths, 2);
  return Math.max(1, Math.round((ROUND_MS * 1e6) / (timeOf(find, paths, 1) * paths.length)));
}

function timeOf(find: Find, paths: readonly Buffer[], passes: number): number {
  let found = 0;
  const start = process.hrtime.bigint();
  for (let pass = 0; pass < passes; pass++) {
    for (const path of paths) if (find(path.toString('latin1')) !== null) found++;
  }
  const elapsed = Number(process.hrtime.bigint() - start);
  if (found !== passes * paths.length) throw new Error('a router has not found a route');
  return elapsed / found;
}
