/** Bearer tokens: RFC 6750. A bearer token proves nothing but possession: anyone who has it gets in. So send it over TLS only. */

import { createHash, timingSafeEqual } from 'node:crypto';

import { answer } from './answer.ts';
import type { Middleware } from './gateway.ts';

/** A token, its owner, and what it may be used for. */
export interface BearerCredential {
  readonly token: string;
  /** Becomes REMOTE_USER. */
  readonly user: string;
  /** What the token is good for. */
  readonly scopes?: readonly string[];
}

export interface BearerOptions {
  readonly credentials: readonly BearerCredential[];
  /** What the tokens are for, as told to clients. Default `api`. */
  readonly realm?: string;
  /** A scope that a token must have; else 403. Default: none. */
  readonly scope?: string;
}

/** RFC 6750 §2.1: `Bearer`, in upper or lower case (RFC 9110 §11.1), spaces and a b64token. */
const CREDENTIALS = /^bearer +([\w\-.~+/]+=*)$/i;
const SCHEME = /^bearer(?: |$)/i;
/** What a quoted-string may hold without escaping. */
const QUOTABLE = /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * Lets in requests with a known token; REMOTE_USER and AUTH_TYPE then name the client, as in CGI.
 *
 * @throws TypeError at once for a token that no client could send, and for a realm or scope that cannot be quoted
 */
export function bearerAuth({ credentials, realm = 'api', scope }: BearerOptions): Middleware {
  if (!QUOTABLE.test(realm + (scope ?? ''))) {
    throw new TypeError('A realm or scope has quotes, backslashes or characters beyond ASCII.');
  }
  const known = credentials.map((credential) => {
    if (!CREDENTIALS.test(`Bearer ${credential.token}`)) {
      throw new TypeError(`The token of '${credential.user}' is not valid: use letters, digits and -._~+/, with = only at the end.`);
    }
    return { ...credential, digest: digestOf(credential.token) };
  });
  const challenge = (error: string, more = ''): ['WWW-Authenticate', string] =>
    ['WWW-Authenticate', `Bearer realm="${realm}"${error === '' ? '' : `, error="${error}"`}${more}`];

  return (app) => (environ, startResponse) => {
    const authorization = environ['HTTP_AUTHORIZATION'];
    // RFC 6750 §3.1: a client that sends no credentials, or those of another scheme, is not told of an error.
    if (typeof authorization !== 'string' || !SCHEME.test(authorization)) {
      return answer(startResponse, 401, [challenge('')]);
    }
    const token = CREDENTIALS.exec(authorization)?.[1];
    if (token === undefined) return answer(startResponse, 400, [challenge('invalid_request')]);
    const digest = digestOf(token);
    // Digests have the same length, and each is compared to its end, so the time reveals neither how much of a token
    // was right nor whose it nearly was. `find` would stop at the first match; `filter` does not.
    const [found] = known.filter((credential) => timingSafeEqual(credential.digest, digest));
    if (found === undefined) return answer(startResponse, 401, [challenge('invalid_token')]);
    if (scope !== undefined && found.scopes?.includes(scope) !== true) {
      return answer(startResponse, 403, [challenge('insufficient_scope', `, scope="${scope}"`)]);
    }
    environ['REMOTE_USER'] = found.user;
    environ['AUTH_TYPE'] = 'Bearer';
    return app(environ, startResponse);
  };
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
