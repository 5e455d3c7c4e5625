/**
 * An application on `node:http`, and so wherever its handlers can be used: `http.createServer(toNodeHandler(app))`,
 * below a path of an Express app, in supertest.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';

import { reportDetached } from '../01-echo/index.ts';
import { refusal } from '../02-http/index.ts';
import { callApp } from './call-app.ts';
import { environOf } from './environ.ts';
import type { Environ, GatewayApp } from './gateway.ts';
import { BodyInput, foreignBody, noInput } from './input.ts';
import { nodeFacts } from './node-facts.ts';
import { sendResponse } from './node-output.ts';
import { decodePathInfo } from './path-info.ts';
import { withServer } from './server-field.ts';
import { withGatewayDefaults } from './settings.ts';
import type { GatewayOptions, GatewaySettings } from './settings.ts';

/** Makes a handler for `node:http` of an application. Below a path of Express, that path becomes SCRIPT_NAME. */
export function toNodeHandler(
  app: GatewayApp,
  options: GatewayOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  const settings = withGatewayDefaults(options);
  return (request, response) => {
    response.once('finish', () => dropRest(request));
    serve(app, request, response, settings).catch(() => response.destroy());
  };
}

async function serve(
  app: GatewayApp,
  request: IncomingMessage,
  response: ServerResponse,
  settings: GatewaySettings,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  response.on('error', () => gone.abort());
  try {
    const environ = environOfNode(request, gone.signal, settings);
    const answered = await callApp(app, environ, gone.signal, settings.onError);
    const headers = withServer(answered.headers, settings.serverField);
    await sendResponse(response, { ...answered, headers }, (error) => settings.onError(error, environ));
  } catch (error) {
    sendRefusal(response, error, settings);
  }
}

/** Answers for an application that gave no answer. Its error has already been reported. */
function sendRefusal(response: ServerResponse, error: unknown, settings: GatewaySettings): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, headers, body } = refusal(error);
  response.writeHead(status, withServer(headers, settings.serverField).flat()).end(body);
}

function environOfNode(request: IncomingMessage, signal: AbortSignal, settings: GatewaySettings): Environ {
  const hasBody = request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
  const input = hasBody ? new BodyInput(() => bodyOf(request), settings.heldBytesMax) : noInput;
  const environ = environOf(nodeFacts(request, signal), settings, input);
  if ('baseUrl' in request && typeof request.baseUrl === 'string') environ.SCRIPT_NAME = decodePathInfo(request.baseUrl);
  return environ;
}

/** The bodies that somebody has begun to read. */
const bodies = new WeakMap<IncomingMessage, AsyncGenerator<Uint8Array, void, undefined>>();

function bodyOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  const body = foreignBody(request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>);
  bodies.set(request, body);
  return body;
}

/** Node drops what nobody has begun to read. What was begun and left stands in the way of the next request (G70). */
function dropRest(request: IncomingMessage): void {
  bodies.get(request)?.return().then(() => request.resume()).catch(reportDetached);
}
