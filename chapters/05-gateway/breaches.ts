/**
 * What a validator watches for, as a table, and what it has seen: the rules of docs/gateway-spec.md whose breach can be
 * observed between a server and an application.
 */

import { GatewayError } from './gateway-error.ts';

/** The side that broke a rule. */
export type Side = 'server' | 'application';

/** A rule that was broken. */
export interface Breach {
  /** As in docs/gateway-spec.md. */
  readonly rule: RuleId;
  readonly side: Side;
  /** What was done, and what to do instead. */
  readonly message: string;
}

/** The rules that the validator checks, and what to do to obey each. */
export const validatorRules = Object.freeze({
  G1: 'return a body, not a promise: make the application an async generator',
  G10: 'give the application an ordinary object that it may change',
  G11: 'give every required key, with a value of its type',
  G12: 'give the method as it was sent, a token in its own case',
  G13: 'make SCRIPT_NAME empty, or begin with a slash and not end with one',
  G14: "make PATH_INFO empty, or begin with a slash; '*' is for OPTIONS alone",
  G15: 'move gateway.rawPathInfo with PATH_INFO: decoded, the one is the other',
  G16: 'give the query without its question mark',
  G17: 'give CONTENT_TYPE and CONTENT_LENGTH (digits) these names, without HTTP_, and only when they were sent',
  G18: 'give each header field as one string',
  G20: 'give SERVER_NAME, SERVER_PORT (digits) and SERVER_PROTOCOL (HTTP/1.0 or HTTP/1.1)',
  G21: 'give REMOTE_ADDR and REMOTE_PORT as strings, or not at all',
  G22: "give gateway.version as [1, 0] and gateway.urlScheme as 'http' or 'https'",
  G23: 'give gateway.multithread, multiprocess and runOnce as booleans',
  G24: 'give an AbortSignal as gateway.signal',
  G25: 'give gateway.earlyHints as a function, or not at all',
  G26: 'give keys of your own a dot, as in my.key',
  G30: 'never give more of a body than there is',
  G31: 'read(size) gives exactly size bytes, fewer only at the end; a size is a whole number from 0',
  G32: 'readline() gives one line, with its LF unless it is the last',
  G36: 'await one reading of gateway.input before the next',
  G37: 'read no more of gateway.input once the response is over',
  G38: 'give gateway.errors a string to write',
  G40: "give the status as three digits, a space and a text: '200 OK'",
  G41: 'give the headers as a list of pairs of strings, each name a token',
  G42: 'leave out CR, LF, NUL and other controls: check what goes into a header',
  G43: "leave out the connection's header fields: they are the server's",
  G44: 'call startResponse once; to replace the response, call it with the error that is why',
  G46: 'throw the error again when startResponse replaces a head that has left',
  G47: 'call startResponse before the first part that is not empty, and before the end',
  G49: 'give one Content-Length at most, in digits',
  G50: 'give an iterable of Uint8Array as the body: Buffer.from(text) makes one of a text',
  G51: 'ask for a part when the one before has gone, for none after the end, and iterate once',
  G53: 'call close() once, when the response is over, however it ended',
  G55: 'give no more bytes than Content-Length says',
  G56: 'give as many bytes as Content-Length says',
  G57: 'give no body with 204, 205 and 304',
});

export type RuleId = keyof typeof validatorRules;

/** Called with the breaches of one request, at its end; not called if there are none. */
export type BreachReporter = (breaches: readonly Breach[]) => void;

/** The breaches of one request. */
export class Breaches {
  readonly #breaches: Breach[] = [];
  readonly #report: BreachReporter;
  #reported = false;

  constructor(report: BreachReporter) {
    this.#report = report;
  }

  /** @param what what was done; what to do instead is in the table. One breach of each rule and side is enough. */
  add(rule: RuleId, side: Side, what: string): void {
    this.#add({ rule, side, message: `${what}: ${validatorRules[rule]}` });
  }

  /** A breach by the application, taken from the error that it caused. */
  addError(error: unknown): void {
    if (!(error instanceof GatewayError)) throw error;
    this.#add({ rule: error.rule as RuleId, side: 'application', message: error.message.slice(error.rule.length + 2) });
  }

  #add(breach: Breach): void {
    if (this.#breaches.some(({ rule, side }) => rule === breach.rule && side === breach.side)) return;
    this.#breaches.push(breach);
    // A breach after the end is reported by itself, since nothing may follow.
    if (this.#reported) this.#report([breach]);
  }

  /** The request is over. */
  report(): void {
    if (this.#reported) return;
    this.#reported = true;
    if (this.#breaches.length > 0) this.#report(this.#breaches);
  }
}
