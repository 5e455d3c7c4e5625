/**
 * An access log: a line for each response when it is over, whether it arrived or not.
 *
 *     127.0.0.1 - ann [06/Nov/1994:08:49:37 +0000] "GET /notes?page=2 HTTP/1.1" 200 1024 "-" "curl/8.5.0"
 */

import { refusal } from '../02-http/index.ts';
import type { Environ, Middleware } from './gateway.ts';
import { requestPath } from './request-fields.ts';
import { wrapBody } from './wrap-body.ts';

export interface AccessLogOptions {
  /** `combined` adds Referer and User-Agent to what `common` has. Default `combined`. */
  readonly format?: 'common' | 'combined';
}

/** Anything that can be written to: a stream, `gateway.errors`, a list in a test. */
export interface LogOutput {
  write(text: string): unknown;
}

/** Writes the log. An unanswered error is logged with the status with which the server answers it. */
export function accessLog(output: LogOutput, { format = 'combined' }: AccessLogOptions = {}): Middleware {
  return (app) => (environ, startResponse) => {
    // Taken now, since a mount or an application may change the environ.
    const request = requestLine(environ);
    const timeMs = Date.now();
    let status = '';
    let bytes = 0;
    const log = (): void => {
      // No response was begun: the server answers 500, or the client had already gone, which nginx logs as 499.
      if (status === '') status = environ['gateway.signal'].aborted ? '499' : '500';
      const sent = environ.REQUEST_METHOD === 'HEAD' || status === '304' || status === '204' ? 0 : bytes;
      output.write(`${logLine(environ, request, timeMs, status, sent, format)}\n`);
    };
    // An application fails in its call or in its body. Until it has given a part, the server answers in its place.
    const failed = (error: unknown): never => {
      if (bytes === 0) status = environ['gateway.signal'].aborted ? '' : String(refusal(error).status);
      throw error;
    };
    try {
      const body = app(environ, (line, headers, error) => {
        startResponse(line, headers, error);
        status = line.slice(0, 3);
      });
      return wrapBody(body, { sent: (count) => void (bytes += count), failed, closed: log });
    } catch (error) {
      try {
        return failed(error);
      } finally {
        log();
      }
    }
  };
}

function requestLine(environ: Environ): string {
  const { REQUEST_METHOD, QUERY_STRING, SERVER_PROTOCOL } = environ;
  return `${REQUEST_METHOD} ${requestPath(environ)}${QUERY_STRING === '' ? '' : `?${QUERY_STRING}`} ${SERVER_PROTOCOL}`;
}

function logLine(
  environ: Environ,
  request: string,
  timeMs: number,
  status: string,
  bytes: number,
  format: string,
): string {
  const user = environ['REMOTE_USER'];
  const who = typeof user === 'string' && user !== '' ? escapeLog(user).replaceAll(' ', '\\x20') : '-';
  const from = `${environ.REMOTE_ADDR ?? '-'} - ${who} [${logDate(timeMs)}]`;
  const line = `${from} "${escapeLog(request)}" ${status} ${bytes === 0 ? '-' : bytes}`;
  if (format === 'common') return line;
  return `${line} "${field(environ['HTTP_REFERER'])}" "${field(environ['HTTP_USER_AGENT'])}"`;
}

function field(value: unknown): string {
  return typeof value === 'string' && value !== '' ? escapeLog(value) : '-';
}

/** Nothing that a client sends may end the quotes or the line, or speak to a terminal. */
function escapeLog(text: string): string {
  return text.replace(/["\\]|[^\x20-\x7e]/g, (character) => {
    const code = character.charCodeAt(0);
    return code > 0xff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\x${code.toString(16).padStart(2, '0')}`;
  });
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
let lastSecond = -1;
let lastDate = '';

/** In UTC, so that two servers' logs can be read side by side. Made once a second. */
function logDate(timeMs: number): string {
  const second = Math.floor(timeMs / 1000);
  if (second === lastSecond) return lastDate;
  const iso = new Date(timeMs).toISOString();
  lastSecond = second;
  lastDate = `${iso.slice(8, 10)}/${MONTHS[Number(iso.slice(5, 7)) - 1]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
  return lastDate;
}
