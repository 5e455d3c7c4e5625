/**
 * `gateway.earlyHints`: sends 103 (RFC 8297) as long as the response has not begun; after that it does nothing.
 */

import type { HttpRequest } from '../02-http/index.ts';
import type { GatewayHeader } from './gateway.ts';
import { checkHeaders } from './response-head.ts';

export class EarlyHints {
  #request: HttpRequest | null;

  constructor(request: HttpRequest) {
    this.#request = request;
  }

  /** @throws GatewayError for headers that cannot be sent */
  readonly send = (headers: readonly GatewayHeader[]): void => {
    checkHeaders(headers);
    this.#request?.sendInformational(103, headers);
  };

  /** The response begins: hints that are sent now might be taken for those of the next one. */
  end(): void {
    this.#request = null;
  }
}
