/**
 * `startResponse` and what it was told: the rules G40 to G48 of docs/gateway-spec.md.
 *
 * It knows nothing of bodies. The code that sends the head calls {@link ResponseStart.take}, once.
 */

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
    if (error === undefined) {
      if (this.#head !== null) {
        throw new GatewayError('G44', 'startResponse was called before: to replace the response, give the error that is why');
      }
    } else if (this.#taken) {
      // It is too late to replace the response. The client sees from its missing end that it is incomplete.
      this.#broken = { error };
      throw error;
    }
    const parsed = parseStatus(status);
    checkHeaders(headers);
    this.#head = { status: parsed.status, reason: parsed.reason, headers };
  };

  /** The head, which is sent now: from here on nothing replaces it. @throws GatewayError G47 if there is none */
  take(): StartedHead {
    if (this.#head === null) {
      throw new GatewayError('G47', 'startResponse was not called before the first part of the body, nor before its end');
    }
    this.#taken = true;
    return this.#head;
  }

  /** Throws, once an error has come too late to replace the response, even if the application went on as if nothing had happened. */
  check(): void {
    if (this.#broken !== null) throw this.#broken.error;
  }
}
