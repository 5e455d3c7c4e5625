/**
 * `startResponse` and what it was told: the rules G40 to G48 of docs/gateway-spec.md.
 *
 * It knows nothing of bodies. The code that sends the head calls {@link ResponseStart.take}, once.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { GatewayError } from './gateway-error.ts';
import type { GatewayHeader, StartResponse } from './gateway.ts';
import { checkHeaders, parseStatus } from './response-head.ts';

/** A response's head, ready to be sent. */
export interface StartedHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly GatewayHeader[];
}

export class ResponseStart {
  #head: StartedHead | null = null;
  #taken = false;
  #broken: { readonly error: unknown } | null = null;

  /** What the application calls. */
  readonly startResponse: StartResponse = (status, headers, error) => {
    // TODO 5.2  Keep the head, parsed by `parseStatus` and checked by `checkHeaders`. Both throw at what an application
    //           may not say, and then nothing has changed. If called again without an error (it is undefined), throw a
    //           GatewayError G44. With an error, replace what was given before. Once the head has been taken it is too
    //           late for that: throw that same error, and keep it for `check`.
    throw new NotImplemented('5.2');
  };

  /** The head, which is sent now: from here on nothing replaces it. @throws GatewayError G47 if there is none */
  take(): StartedHead {
    // TODO 5.2  Return the head; from now on it is too late to replace it. If there is none, throw a GatewayError G47.
    throw new NotImplemented('5.2');
  }

  /** Throws, once an error has come too late to replace the response, even if the application went on as if nothing had happened. */
  check(): void {
    // TODO 5.2  Throw the error that came too late, if one did.
    throw new NotImplemented('5.2');
  }
}
