/**
 * A validator, as middleware: it sits between a server and an application, changes nothing of what they say to each
 * other, and reports at the end of each request which rules of docs/gateway-spec.md were broken, and by which side.
 *
 * Without it, none of these checks are made.
 */

import { checkBody } from './app-body.ts';
import { Breaches } from './breaches.ts';
import type { Breach } from './breaches.ts';
import { checkEnviron } from './check-environ.ts';
import type { Body, Environ, GatewayApp } from './gateway.ts';
import { stderr } from './settings.ts';
import { BodyWatch, watchBody } from './watched-body.ts';
import { WatchedInput, watchedErrors } from './watched-input.ts';
import { WatchedStart } from './watched-start.ts';

export interface ValidatorOptions {
  /**
   * Called with the breaches of a request, when its body is closed; not called if there are none. Default: writes a line
   * for each to `gateway.errors`.
   */
  readonly report?: (breaches: readonly Breach[], environ: Environ) => void;
  /** How long after the end of a response its body must have been closed, in milliseconds. Default 1,000. */
  readonly closeMs?: number;
}

/** Watches an application and its caller. */
export function validator(app: GatewayApp, options: ValidatorOptions = {}): GatewayApp {
  const { report = writeToErrors, closeMs = 1000 } = options;
  return (environ, startResponse) => {
    // If the server's own `gateway.errors` is broken, there is still stderr.
    const errors = typeof environ?.['gateway.errors']?.write === 'function' ? environ['gateway.errors'] : stderr;
    const breaches = new Breaches((list) => report(list, { ...environ, 'gateway.errors': errors }));
    if (!checkEnviron(environ, (rule, what) => breaches.add(rule, 'server', what))) {
      breaches.report();
      return app(environ, startResponse);
    }
    const start = new WatchedStart(startResponse, breaches);
    let over = false;
    const finish = (): void => {
      over = true;
      breaches.report();
    };
    let body: Body;
    try {
      body = app(watchEnviron(environ, breaches, () => over), start.call);
    } catch (error) {
      finish();
      throw error;
    }
    if (!isBody(body, breaches)) {
      finish();
      return body;
    }
    const watch = new BodyWatch(body, start, breaches, closeMs, finish);
    environ['gateway.signal']?.addEventListener?.('abort', () => watch.expectClose(), { once: true });
    return watchBody(body, watch, environ.REQUEST_METHOD === 'HEAD');
  };
}

/** The environ, with watched objects in place of those that it has; copied only if it is frozen. */
function watchEnviron(given: Environ, breaches: Breaches, over: () => boolean): Environ {
  const environ = Object.isExtensible(given) ? given : { ...given };
  const { 'gateway.input': input, 'gateway.errors': errors, CONTENT_LENGTH: length } = environ;
  if (typeof input?.read === 'function') {
    const bytes = length !== undefined && /^\d+$/.test(length) ? Number(length) : Infinity;
    environ['gateway.input'] = new WatchedInput(input, bytes, breaches, over);
  }
  if (typeof errors?.write === 'function') environ['gateway.errors'] = watchedErrors(errors, breaches);
  return environ;
}

function isBody(body: unknown, breaches: Breaches): boolean {
  try {
    checkBody(body);
    return true;
  } catch (error) {
    breaches.addError(error);
    return false;
  }
}

function writeToErrors(breaches: readonly Breach[], environ: Environ): void {
  for (const { rule, side, message } of breaches) environ['gateway.errors'].write(`validator: ${rule}, ${side}: ${message}\n`);
}
