/** JSON bodies, read and parsed before the application is called. */

import { HttpError } from '../02-http/index.ts';
import type { Environ, Middleware } from './gateway.ts';
import { findJsonFault } from './json-scan.ts';
import { parseMediaType } from './media-type.ts';
import { deferBody } from './wrap-body.ts';

export interface JsonBodyOptions {
  /** A larger body is answered with 413. Default 100 KiB. */
  readonly bytesMax?: number;
  /** How deep arrays and objects may be nested; anything deeper is answered with 400. Default 32. */
  readonly depthMax?: number;
}

/**
 * Parses the body of a request into `environ['json.body']`, which is `undefined` for a request without one.
 *
 * A body that is not JSON is refused with an HttpError, thrown like any other from the body: 413, 415, or 400 with a sentence.
 */
export function jsonBody({ bytesMax = 100 * 1024, depthMax = 32 }: JsonBodyOptions = {}): Middleware {
  return (app) => (environ, startResponse) => {
    if (!mayHaveContent(environ)) return app(environ, startResponse);
    return deferBody(async () => {
      // A length that was announced is refused before anything is read.
      if (Number(environ.CONTENT_LENGTH ?? 0) > bytesMax) throw new HttpError(413, `at most ${bytesMax} bytes`);
      if (environ.CONTENT_TYPE !== undefined) checkType(environ);
      const bytes = await environ['gateway.input'].read(bytesMax + 1);
      if (bytes.length > bytesMax) throw new HttpError(413, `at most ${bytesMax} bytes`);
      if (bytes.length > 0 || environ.CONTENT_TYPE !== undefined) {
        checkType(environ);
        environ['json.body'] = parseJson(bytes, depthMax);
      }
      return app(environ, startResponse);
    });
  };
}

function mayHaveContent({ CONTENT_LENGTH, CONTENT_TYPE, REQUEST_METHOD }: Environ): boolean {
  if (CONTENT_TYPE !== undefined) return true;
  // A chunked body has no length in advance; but these methods come without a body, and must not wait for one.
  return CONTENT_LENGTH === undefined ? !['GET', 'HEAD', 'OPTIONS'].includes(REQUEST_METHOD) : CONTENT_LENGTH !== '0';
}

/** RFC 6839 §3.1: a type that ends in `+json` is JSON. */
const JSON_TYPE = /^(?:application\/json|.+\+json)$/;

/** @throws HttpError 415 */
function checkType(environ: Environ): void {
  const type = parseMediaType(environ.CONTENT_TYPE ?? '');
  if (type === null || !JSON_TYPE.test(type.essence) || !type.parameters.every(isTaken)) {
    throw new HttpError(415, 'application/json in UTF-8 is taken');
  }
  const coding = String(environ['HTTP_CONTENT_ENCODING'] ?? '').trim().toLowerCase();
  if (coding !== '' && coding !== 'identity') throw new HttpError(415, 'no Content-Encoding is taken');
}

/**
 * RFC 8259 §8.1: JSON is UTF-8, and has no charset parameter, but a client may still say utf-8. Other parameters
 * (`profile`, `ext`) are about the meaning of the JSON, which the application can judge by CONTENT_TYPE.
 */
function isTaken([name, value]: readonly [name: string, value: string]): boolean {
  return name !== 'charset' || /^utf-?8$/i.test(value);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @throws HttpError 400 with a sentence that says what is wrong, and does not quote the body */
function parseJson(bytes: Buffer, depthMax: number): unknown {
  let fault: string | null;
  try {
    const text = utf8.decode(bytes);
    fault = findJsonFault(text, depthMax);
    if (fault === null) return JSON.parse(text) as unknown;
  } catch {
    fault = 'the body is not JSON in UTF-8';
  }
  throw new HttpError(400, fault);
}
