/** Cross-origin requests: which other origins' pages may read our responses (WHATWG Fetch §3.2, CORS protocol). */

import { answerEmpty } from './answer.ts';
import type { Environ, GatewayHeader, Middleware } from './gateway.ts';

export interface CorsOptions {
  /** Every origin (`*`); those in a list, exactly as browsers send them; or those for which a function returns true. */
  readonly origins: '*' | readonly string[] | ((origin: string, environ: Environ) => boolean);
  /** Methods that pages may use besides GET, HEAD and POST. Default PUT, PATCH and DELETE. */
  readonly methods?: readonly string[];
  /** Request fields that pages may set. Default Authorization and Content-Type. */
  readonly headers?: readonly string[];
  /** Response fields that pages may read besides the safelisted ones. Default none. */
  readonly exposed?: readonly string[];
  /** Whether browsers may send cookies and let pages read the answers. Default false. */
  readonly credentials?: boolean;
  /** How long browsers may remember a preflight's answer. Default 600. */
  readonly maxAgeSeconds?: number;
}

/** The fields that decide who may read. An application's own would contradict ours, and browsers refuse two. */
const OURS = /^access-control-(?:allow-(?:origin|credentials)|expose-headers)$/i;

/**
 * Answers preflights and tells browsers who may read.
 *
 * @throws TypeError at once for `*` together with credentials: it would let every page act for the user who is logged in
 */
export function cors(options: CorsOptions): Middleware {
  const { origins, exposed = [], credentials = false, maxAgeSeconds = 600 } = options;
  const { methods = ['PUT', 'PATCH', 'DELETE'], headers = ['Authorization', 'Content-Type'] } = options;
  if (credentials && [origins, ...methods, ...headers, ...exposed].includes('*')) {
    throw new TypeError("'*' and credentials exclude each other: name the origins, methods and fields.");
  }
  const allows = (origin: string, environ: Environ): boolean =>
    origins === '*' || (typeof origins === 'function' ? origins(origin, environ) : origins.includes(origin));

  /** What every response says about its readers. It has Vary even if the answer is no, since a cache must not give that to others. */
  const access = (environ: Environ): GatewayHeader[] => {
    const origin = environ['HTTP_ORIGIN'];
    const fields: GatewayHeader[] = origins === '*' ? [] : [['Vary', 'Origin']];
    if (typeof origin !== 'string' || !allows(origin, environ)) return fields;
    fields.push(['Access-Control-Allow-Origin', origins === '*' ? '*' : origin]);
    if (credentials) fields.push(['Access-Control-Allow-Credentials', 'true']);
    return fields;
  };
  const ifAllowed: readonly GatewayHeader[] =
    exposed.length === 0 ? [] : [['Access-Control-Expose-Headers', exposed.join(', ')]];
  const ifPreflightAllowed: readonly GatewayHeader[] = [
    ['Access-Control-Allow-Methods', ['GET', 'HEAD', 'POST', ...methods].join(', ')],
    ['Access-Control-Allow-Headers', headers.join(', ')],
    ['Access-Control-Max-Age', String(maxAgeSeconds)],
  ];

  return (app) => (environ, startResponse) => {
    const fields = access(environ);
    const isAllowed = fields.some(([name]) => name === 'Access-Control-Allow-Origin');
    if (isPreflight(environ)) return answerEmpty(startResponse, isAllowed ? [...fields, ...ifPreflightAllowed] : fields);
    if (isAllowed) fields.push(...ifAllowed);
    return app(environ, (status, own, error) => {
      const others = own.some(([name]) => OURS.test(name)) ? own.filter(([name]) => !OURS.test(name)) : own;
      startResponse(status, [...others, ...fields], error);
    });
  };
}

/** Fetch §3.2.2: a browser asks before it sends anything that a form could not send. */
function isPreflight(environ: Environ): boolean {
  return environ.REQUEST_METHOD === 'OPTIONS' && 'HTTP_ORIGIN' in environ && METHOD_ASKED in environ;
}

const METHOD_ASKED = 'HTTP_ACCESS_CONTROL_REQUEST_METHOD';
