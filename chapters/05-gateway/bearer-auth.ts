/** Bearer tokens: RFC 6750. A bearer token proves nothing but possession: anyone who has it gets in. So send it over TLS only. */

import { NotImplemented } from '#course/not-implemented.ts';
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
    // TODO 5.5  Let in a client with a known token: REMOTE_USER is then its user, and AUTH_TYPE is Bearer. All others
    //           are answered here, with `answer` and a `challenge`, and neither the environ nor the application learns
    //           of them. 401 without an error: there is no HTTP_AUTHORIZATION, or it has another SCHEME. 400
    //           `invalid_request`: it does not match CREDENTIALS. 401 `invalid_token`: the token is unknown. 403
    //           `insufficient_scope`: the token lacks the required `scope`, which the challenge then names. The time
    //           that this takes must not tell how nearly a token was right: compare its digest (`digestOf`) with every
    //           known digest, with `timingSafeEqual`.
    throw new NotImplemented('5.5');
  };
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
