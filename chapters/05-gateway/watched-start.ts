/**
 * `startResponse` as a validator passes it on: it behaves like the server's, and notices every breach.
 */

import type { Breaches, RuleId } from './breaches.ts';
import type { GatewayError } from './gateway-error.ts';
import type { StartResponse } from './gateway.ts';
import { checkHeaders, fieldValue, parseStatus } from './response-head.ts';

export class WatchedStart {
  readonly #startResponse: StartResponse;
  readonly #breaches: Breaches;
  #called = false;
  #status = 0;
  #length: number | null = null;
  /** A part that is not empty has been given: the head has been sent. */
  headLeft = false;

  constructor(startResponse: StartResponse, breaches: Breaches) {
    this.#startResponse = startResponse;
    this.#breaches = breaches;
  }

  get called(): boolean {
    return this.#called;
  }

  get status(): number {
    return this.#status;
  }

  /** The Content-Length of the response; `null` for none. */
  get contentLength(): number | null {
    return this.#length;
  }

  readonly call: StartResponse = (status, headers, error) => {
    const broken = this.#brokenRule(status, headers, error);
    this.#startResponse(status, headers, error);
    // The server should have thrown.
    if (broken !== null) this.#breaches.add(broken, 'server', 'startResponse took what it has to refuse');
    if (error !== undefined && this.headLeft) {
      this.#breaches.add('G46', 'server', 'startResponse took an error after the head had left');
    }
    this.#called = true;
    if (broken !== null) return;
    this.#status = parseStatus(status).status;
    const length = fieldValue(headers, 'content-length');
    this.#length = length === undefined ? null : Number(length);
  };

  #brokenRule(status: string, headers: Parameters<StartResponse>[1], error: unknown): RuleId | null {
    if (this.#called && error === undefined) {
      this.#breaches.add('G44', 'application', 'startResponse was called again, without an error');
      return 'G44';
    }
    try {
      parseStatus(status);
      checkHeaders(headers);
      return null;
    } catch (breach) {
      this.#breaches.addError(breach);
      return (breach as GatewayError).rule as RuleId;
    }
  }
}
