/** What the tests of chapter 05's reference share: servers for an application, and a client that sees the bytes. */

import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Server } from 'node:net';

import { serveHttp } from '../../../solutions/02-http/index.ts';
import type { ServeOptions } from '../../../solutions/02-http/index.ts';
import { serveScgi, toHandler, toNodeHandler } from '../../../solutions/05-gateway/index.ts';
import type { GatewayApp, GatewayOptions } from '../../../solutions/05-gateway/index.ts';

export interface Served extends AsyncDisposable {
  readonly port: number;
  /** What was reported as a fault of ours. */
  readonly reported: unknown[];
  /** What was written to `gateway.errors`. */
  readonly written: string[];
}

type Serve = (app: GatewayApp, options?: Partial<ServeOptions>) => Promise<Served>;

function recorder(): { reported: unknown[]; written: string[]; options: GatewayOptions } {
  const reported: unknown[] = [];
  const written: string[] = [];
  return {
    reported,
    written,
    options: { onError: (error) => void reported.push(error), errors: { write: (text) => void written.push(text) } },
  };
}

/** On chapter 02's server. */
export const serve: Serve = async (app, options = {}) => {
  const { reported, written, options: own } = recorder();
  const server = await serveHttp(toHandler(app, own), { onError: (error) => void reported.push(error), ...options });
  return { port: (server.address as AddressInfo).port, reported, written, [Symbol.asyncDispose]: () => server.close() };
};

/** On node:http. */
export const serveOnNode: Serve = async (app) => {
  const { reported, written, options } = recorder();
  const server: Server = createServer(toNodeHandler(app, options)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const close = (): Promise<void> => new Promise((resolve) => void server.close(() => resolve()));
  return { port: (server.address() as AddressInfo).port, reported, written, [Symbol.asyncDispose]: close };
};

/** Over SCGI. */
export const serveByScgi: Serve = async (app) => {
  const { reported, written, options } = recorder();
  const server = await serveScgi(app, options);
  return { port: (server.address as AddressInfo).port, reported, written, [Symbol.asyncDispose]: () => server.close() };
};

/** Sends text, and returns what comes until the other side has closed. `ends`: sends a FIN after the text. */
export function exchange(port: number, text: string, ends = false): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => {
      socket.write(text, 'latin1');
      if (ends) socket.end();
    });
    socket.on('data', (bytes) => (answer += bytes.toString('latin1'))).on('end', () => socket.end());
    socket.on('error', () => {}).on('close', () => resolve(answer));
  });
}

/** The text of a request that asks for the connection to be closed after its answer. */
export function request(method: string, target: string, fields: readonly string[] = [], body = ''): string {
  const lines = fields.some((field) => /^host:/i.test(field)) ? fields : ['Host: a', ...fields];
  return `${method} ${target} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}Connection: close\r\n\r\n${body}`;
}

/** An SCGI request. */
export function scgiRequest(variables: readonly (readonly [string, string])[], body = ''): string {
  const all = [['CONTENT_LENGTH', String(body.length)], ['SCGI', '1'], ...variables];
  const head = all.map(([name, value]) => `${name}\0${value}\0`).join('');
  return `${head.length}:${head},${body}`;
}

/** The status of an HTTP or SCGI answer. */
export function statusOf(answer: string): string {
  return /^(?:HTTP\/1\.1|Status:) (\d{3})/.exec(answer)?.[1] ?? '';
}
