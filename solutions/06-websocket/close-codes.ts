/**
 * Close codes: RFC 6455 §7.4 and the registry that it began.
 */

export const closeCodes = Object.freeze({
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  /** Never sent: a Close frame had no code. */
  noStatus: 1005,
  /** Never sent: there was no Close frame. */
  abnormal: 1006,
  invalidPayload: 1007,
  policyViolation: 1008,
  messageTooBig: 1009,
  internalError: 1011,
  serviceRestart: 1012,
  tryAgainLater: 1013,
});

/** Whether a code may be sent in a Close frame (RFC 6455 §7.4.1, §7.4.2). */
export function mayBeSent(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  // 1004 means nothing yet; 1005, 1006 and 1015 are for telling an application and MUST NOT be on the wire.
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}
