/** What the tests of the asynchronous gateway share: a server for one application, and a client that sees the bytes. */

import { connect } from 'node:net';

import type { AsyncApp, HttpApp, LifespanApp, WebSocketApp } from '../../../solutions/06-websocket/async-app.ts';
import { byScope } from '../../../solutions/06-websocket/by-scope.ts';
import { serveAsync } from '../../../solutions/06-websocket/serve-async.ts';
import type { AsyncServeOptions, AsyncServer } from '../../../solutions/06-websocket/serve-async.ts';

export interface Served extends AsyncDisposable {
  readonly server: AsyncServer;
  readonly origin: string;
  readonly port: number;
  /** What was reported. */
  readonly errors: unknown[];
}

export async function serve(app: AsyncApp, options: AsyncServeOptions = {}): Promise<Served> {
  const errors: unknown[] = [];
  const server = await serveAsync(app, { onError: (error) => errors.push(error), ...options });
  const { address } = server;
  if (typeof address === 'string') throw new Error('not a port');
  return { server, origin: server.origin, port: address.port, errors, [Symbol.asyncDispose]: () => server.close() };
}

export function serveHttpApp(http: HttpApp, options?: AsyncServeOptions): Promise<Served> {
  return serve(byScope({ http }), options);
}

export function serveWebSocketApp(websocket: WebSocketApp, options?: AsyncServeOptions): Promise<Served> {
  return serve(byScope({ websocket }), options);
}

export function serveLifespanApp(lifespan: LifespanApp, options?: AsyncServeOptions): Promise<Served> {
  return serve(byScope({ lifespan }), options);
}

/** Sends text, and gives all that comes until the server closes. */
export function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => (answer += chunk));
    socket.on('close', () => resolve(answer)).on('error', reject);
  });
}

/** The rule that an error names, or its name. */
export function ruleOf(error: unknown): string {
  if (error instanceof Error && 'rule' in error) return String(error.rule);
  return error instanceof Error ? error.name : String(error);
}

/** What a promise rejects with, by its rule; `''` where it does not. */
export async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => '', ruleOf);
}
