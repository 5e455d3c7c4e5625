/**
 * Calls an application and collects what a server needs to answer: the heart of every server of this interface,
 * whatever protocol it speaks to its clients.
 *
 * It knows the rules of docs/gateway-spec.md and no protocol: no framing, no connections.
 */

import { HttpError, isOurFault } from '../02-http/index.ts';
import { AppBody, checkBody, checkPart } from './app-body.ts';
import type { Body, Environ, GatewayApp } from './gateway.ts';
import { fieldValue } from './response-head.ts';
import { ResponseStart } from './response-start.ts';
import type { StartedHead } from './response-start.ts';
import type { GatewayErrorReporter } from './settings.ts';

/** A response whose head may be sent now. */
export interface AppResponse extends StartedHead {
  /** The whole body, if it is known; otherwise its parts. These close themselves, unless they are never iterated. */
  readonly body: Uint8Array | AppBody;
}

/**
 * Calls an application. What it throws is reported to `onError`, and rethrown as an error that carries a status and
 * reveals nothing else: 500, or the status of a request body that could not be read.
 *
 * @param signal aborts when the client has gone; the body is closed then
 * @throws HttpError, RemoteProtocolError
 */
export function callApp(
  app: GatewayApp,
  environ: Environ,
  signal: AbortSignal,
  onError: GatewayErrorReporter,
): AppResponse | Promise<AppResponse> {
  const refuse = (error: unknown): unknown => refusalOf(error, environ, signal, onError);
  const start = new ResponseStart();
  let body: Body;
  try {
    body = app(environ, start.startResponse);
    checkBody(body);
  } catch (error) {
    throw refuse(error);
  }
  if (isShortList(body)) return wholeResponse(start, body, refuse);
  const parts = new AppBody(body, () => start.check(), refuse);
  // Also while the application is waiting and has sent nothing, when nothing else would close the body.
  if (signal.aborted) parts.close();
  signal.addEventListener('abort', () => parts.close(), { once: true });
  const begun = parts.begin();
  return begun instanceof Promise
    ? begun.then((hasPart) => partedResponse(start, hasPart, parts, refuse))
    : partedResponse(start, begun, parts, refuse);
}

/** A list of one part, or of none: its length is known, so it can be sent together with its head. */
function isShortList(body: Body): body is Body & readonly Uint8Array[] {
  return Array.isArray(body) && body.length <= 1;
}

function wholeResponse(
  start: ResponseStart,
  body: Body & readonly Uint8Array[],
  refuse: (error: unknown) => unknown,
): AppResponse {
  const length = body[0]?.length ?? 0;
  if (body.close !== undefined && length > COPIED_BYTES_MAX) {
    const parts = new AppBody(body, () => start.check(), refuse);
    return withLength(partedResponse(start, parts.begin() === true, parts, refuse), length);
  }
  try {
    const part = body[0] ?? nothing;
    checkPart(part);
    const { status, reason, headers } = start.take();
    // A copy counts as handed over, so close() may do what it likes with the part's memory.
    return { status, reason, headers, body: body.close === undefined ? part : Buffer.from(part) };
  } catch (error) {
    throw refuse(error);
  } finally {
    if (body.close !== undefined) queueMicrotask(() => new AppBody(body, () => {}, refuse).close());
  }
}

/** Adds the length of a body that is whole (G54). */
function withLength(response: AppResponse, length: number): AppResponse {
  const { status, headers } = response;
  if (status === 204 || status === 205 || status === 304 || fieldValue(headers, 'content-length') !== undefined) return response;
  return { ...response, headers: [...headers, ['Content-Length', String(length)]] };
}

function partedResponse(
  start: ResponseStart,
  hasPart: boolean,
  parts: AppBody,
  refuse: (error: unknown) => unknown,
): AppResponse {
  try {
    const { status, reason, headers } = start.take();
    if (!hasPart) parts.close();
    return { status, reason, headers, body: hasPart ? parts : nothing };
  } catch (error) {
    parts.close();
    throw refuse(error);
  }
}

/** What a server gets instead of the application's error, which is reported here and never shown to a client. */
function refusalOf(error: unknown, environ: Environ, signal: AbortSignal, onError: GatewayErrorReporter): unknown {
  // An error from the protocol carries its own answer: a body that is too large, a client that has gone.
  if (!isOurFault(error)) return error;
  // An application that gives up when its client has gone has done nothing wrong.
  const givenUp = signal.aborted && error instanceof Error && error.name === 'AbortError';
  if (!givenUp) onError(error, environ);
  return new HttpError(500);
}

const nothing = new Uint8Array(0);

/** A part that is larger than this is not copied just so that its body can be closed early: it is sent first. */
const COPIED_BYTES_MAX = 64 * 1024;
