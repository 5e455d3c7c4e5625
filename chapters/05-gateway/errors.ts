/**
 * Errors as answers: a page with the stack for the application's developer, and none of it for anyone else.
 *
 * Put it around whatever may fail, and inside whatever adds to every response: the access log, request ids, CORS. Once
 * the head has been sent, nothing can be repaired: the error goes on to the server, which closes the connection.
 */

import { HttpError, RemoteProtocolError, reasonPhrase } from '../02-http/index.ts';
import { statusText } from './answer.ts';
import { escapeHtml } from './escape-html.ts';
import type { Body, Environ, GatewayHeader, Middleware, StartResponse } from './gateway.ts';
import { acceptQuality } from './media-type.ts';
import { requestPath } from './request-fields.ts';
import { wrapBody } from './wrap-body.ts';

export interface ErrorsOptions {
  /** Show the error to the client, with its stack. Never where strangers can see it. Default false. */
  readonly development?: boolean;
  /** Called with each error that is answered with 500 to 599. Default: written to `gateway.errors`. */
  readonly report?: (error: unknown, environ: Environ) => void;
}

/** Answers errors: HttpError and RemoteProtocolError with their status, any other with 500. */
export function errors({ development = false, report = reportToErrors }: ErrorsOptions = {}): Middleware {
  return (app) => (environ, startResponse) => {
    const failed = (error: unknown): Body => {
      const status = statusOf(error);
      // If it is too late for an answer, this throws, and the server reports the error that reaches it.
      const body = answerError(error, status, development, environ, startResponse);
      // An application that gives up because the client has gone has done nothing wrong.
      if (status >= 500 && !environ['gateway.signal'].aborted) report(error, environ);
      return body;
    };
    try {
      return wrapBody(app(environ, startResponse), { failed });
    } catch (error) {
      return failed(error);
    }
  };
}

/** @throws the error if the head has already been sent: `startResponse` throws it */
function answerError(
  error: unknown,
  status: number,
  development: boolean,
  environ: Environ,
  startResponse: StartResponse,
): Body {
  const accept = environ['HTTP_ACCEPT'];
  // Without a preference, text, which can be read in a terminal too.
  const wantsHtml = typeof accept === 'string' && acceptQuality(accept, 'text/html') > acceptQuality(accept, 'text/plain');
  const text = development && status >= 500 ? stackOf(error) : publicText(error, status, environ);
  const body = Buffer.from(wantsHtml ? page(statusText(status), text) : `${text}\n`);
  const headers: GatewayHeader[] = [
    ['Content-Type', wantsHtml ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8'],
    ['Content-Length', String(body.length)],
    ['Cache-Control', 'no-store'],
    // What is shown may come from the client: none of it may run.
    ['Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'"],
    ['X-Content-Type-Options', 'nosniff'],
    ...(error instanceof HttpError ? error.headers : []),
  ];
  // `throw undefined` is an error too.
  startResponse(statusText(status), headers, error ?? new Error(`thrown: ${String(error)}`));
  return [body];
}

/** What any client may see: the status, the message of an error that was meant for clients, the id under which to ask about it. */
function publicText(error: unknown, status: number, environ: Environ): string {
  const message = error instanceof HttpError || error instanceof RemoteProtocolError ? error.message : '';
  const id = environ['request.id'];
  const asked = status >= 500 && typeof id === 'string' ? ` (request ${id})` : '';
  return statusText(status) + (message === '' ? '' : `: ${message}`) + asked;
}

const STYLE = 'body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:3rem auto;padding:0 1rem}pre{overflow-x:auto}';

function page(title: string, text: string): string {
  const head = `<meta charset="utf-8"><title>${title}</title><style>${STYLE}</style>`;
  return `<!doctype html><html lang="en">${head}<h1>${title}</h1><pre>${escapeHtml(text)}</pre></html>\n`;
}

/** Errors that carry a status: chapter 02's, which are `gateway.input`'s too. Any other is a 500, whatever it says. */
function statusOf(error: unknown): number {
  const { status } = error instanceof HttpError || error instanceof RemoteProtocolError ? error : { status: 500 };
  return status >= 400 && status <= 599 && reasonPhrase(status) !== '' ? status : 500;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${String(error)}`;
  const stack = error.stack ?? String(error);
  return error.cause === undefined ? stack : `${stack}\ncaused by: ${stackOf(error.cause)}`;
}

function reportToErrors(error: unknown, environ: Environ): void {
  const request = `${environ.REQUEST_METHOD} ${requestPath(environ)}`;
  environ['gateway.errors'].write(`error in ${request}: ${stackOf(error)}\n`);
}
