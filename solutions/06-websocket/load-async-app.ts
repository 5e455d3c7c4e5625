/**
 * Any application as an asynchronous one, found by its name, `module:export`, as it is given on a command line.
 *
 * Applications of chapters 05 and 06, handlers for `node:http` (Express, Koa, Fastify) and for `fetch` (Hono) all become
 * asynchronous ones, so that a server serves one kind only.
 */

import { fromFetch, fromNodeHandler, LoadAppError, loadExport } from '../05-gateway/index.ts';
import type { FetchHandler, GatewayApp, NodeHandler } from '../05-gateway/index.ts';
import type { AsyncApp } from './async-app.ts';
import { fromGateway } from './from-gateway.ts';

/** How an application is called; `auto` finds out. */
export type AppInterface = 'auto' | 'gateway' | 'async' | 'node' | 'fetch';

/** Loads an application, and makes it an asynchronous one. @throws LoadAppError whose message says what to do */
export async function loadAsyncApp(name: string, kind: AppInterface = 'auto', directory?: string): Promise<AsyncApp> {
  const { value, which } = await loadExport(name, directory);
  return (await ofFramework(value)) ?? ofFunction(value, kind, which);
}

/** What frameworks call what we need of them. */
interface Framework {
  readonly fetch?: unknown;
  readonly callback?: unknown;
  readonly routing?: unknown;
  readonly ready?: unknown;
  readonly emit?: unknown;
}

/** What keeps its handler: Hono, Fastify, Koa, a server of `node:http`. Null for anything else. */
async function ofFramework(value: unknown): Promise<AsyncApp | null> {
  const { fetch, callback, routing, ready, emit } = Object(value) as Framework;
  const isObject = typeof value === 'object';
  if (isObject && typeof fetch === 'function') return fromGateway(fromFetch((request) => (value as { fetch: FetchHandler }).fetch(request)));
  if (typeof routing === 'function') {
    if (typeof ready === 'function') await (value as { ready: () => Promise<unknown> }).ready();
    return ofNode((req, res) => (value as { routing: NodeHandler }).routing(req, res));
  }
  if (isObject && typeof callback === 'function') return ofNode((value as { callback: () => NodeHandler }).callback());
  if (isObject && typeof emit === 'function') return ofNode((req, res) => void (value as NodeJS.EventEmitter).emit('request', req, res));
  return null;
}

function ofFunction(value: unknown, kind: AppInterface, which: string): AsyncApp {
  if (typeof value !== 'function') {
    throw new LoadAppError('not-an-app', `${which} is not an application: it is ${value === null ? 'null' : `of type ${typeof value}`}`);
  }
  switch (kind === 'auto' ? guess(value) : kind) {
    case 'async': return value as AsyncApp;
    case 'node': return ofNode(value as NodeHandler);
    case 'fetch': return fromGateway(fromFetch(value as FetchHandler));
    default: return fromGateway(value as GatewayApp);
  }
}

function ofNode(handler: NodeHandler): AsyncApp {
  return fromGateway(fromNodeHandler(handler));
}

/** By what a function has, and how many arguments it names. A bare handler of node:http has two, as a gateway application does: name the interface. */
function guess(value: { readonly handle?: unknown; readonly length: number }): Exclude<AppInterface, 'auto'> {
  if (typeof value.handle === 'function') return 'node';
  return value.length === 3 ? 'async' : value.length === 1 ? 'fetch' : 'gateway';
}
