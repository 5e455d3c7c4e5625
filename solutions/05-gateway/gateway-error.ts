/**
 * An application's mistake: it broke a rule of docs/gateway-spec.md. Thrown at the caller if there is one, otherwise
 * reported; never shown to a client.
 */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  /** The rule's id, `G44`. */
  readonly rule: string;

  /** @param message what was done, and what to do instead */
  constructor(rule: string, message: string) {
    super(`${rule}: ${message}`);
    this.rule = rule;
  }
}
