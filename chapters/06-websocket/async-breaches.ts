/**
 * What the validator of part two watches for, as a table, and what it has seen of one call.
 */

import { GatewayError } from '../05-gateway/index.ts';
import type { Side } from '../05-gateway/index.ts';

/** The rules that the validator checks, and what to do to obey each. */
export const asyncValidatorRules = Object.freeze({
  A1: 'return a promise: make the application an async function',
  A6: 'call receive and send only until the application has returned',
  A10: 'give each call an ordinary object as its scope, which the application may change',
  A11: 'give every key of the scope, with a value of its type',
  A12: 'give version as [2, 0]',
  A13: 'give headers as a list of pairs of strings, the names in lower case',
  A15: "give rawPath as sent; decoded it is path, which is empty, begins with a slash, or is the '*' of OPTIONS",
  A16: 'give the query without its question mark',
  A17: 'give client and server as { address, port }, or null',
  A18: "give the scheme: 'http' or 'https', for WebSockets 'ws' or 'wss'",
  A19: 'give an AbortSignal as signal',
  A20: 'give an AbortSignal as stopping',
  A21: 'give each scope an object of its own as state',
  A22: 'send the events of an extension only where the scope has its key',
  A23: 'give subprotocols as a list of strings',
  A24: 'give keys of your own a dot, as in my.key',
  A30: 'return a promise from receive and send',
  A31: 'await one receive before the next',
  A32: 'let send reject where an event is refused, and take every other one',
  A33: 'send only events of this kind of scope',
  A34: 'give an event the keys of its type',
  A35: 'give headers as a list of pairs of strings, each name a token',
  A36: 'leave out CR, LF, NUL and other controls: check what goes into a header',
  A37: "leave out the connection's header fields: they are the server's",
  A38: 'give one Content-Length at most, in digits',
  A40: 'give the body in http.request events, moreBody false on the last, and none after it',
  A41: 'give http.disconnect, and nothing else, when the exchange is over',
  A42: 'reject with an error that has a status where a body is broken, now and on every later call',
  A50: 'send http.response.start once',
  A51: 'send http.response.start before the first http.response.body',
  A52: 'send nothing after the last http.response.body, the one without moreBody',
  A55: 'send no more bytes than Content-Length says',
  A56: 'send as many bytes as Content-Length says',
  A58: 'reject with a DisconnectError when nothing arrives any more',
  A60: 'send a response before returning',
  A61: 'send the last http.response.body, without moreBody, before returning',
  A70: 'give websocket.connect first, and once',
  A72: 'accept with a subprotocol that is offered, and leave the fields of the handshake to the server',
  A75: 'send websocket.accept before anything else but a refusal',
  A76: 'decide once: websocket.accept, websocket.close or a response',
  A77: 'accept or refuse before returning',
  A80: 'give messages as websocket.receive, with a string or bytes, while the WebSocket is open',
  A81: 'give websocket.disconnect with a code and a reason, and nothing else after it',
  A84: 'close with 1000, or a code from 3000 to 4999, and a reason of at most 123 bytes',
  A85: 'send nothing after websocket.close',
  A90: 'give lifespan.startup first, and once',
  A94: 'send lifespan.startup.complete or lifespan.startup.failed before returning',
  A96: 'give lifespan.shutdown once, after lifespan.startup.complete',
  A98: 'answer lifespan.startup, then lifespan.shutdown, once each',
});

export type AsyncRuleId = keyof typeof asyncValidatorRules;

/** A rule of part two that was broken. */
export interface AsyncBreach {
  /** As in docs/gateway-spec.md. */
  readonly rule: AsyncRuleId;
  readonly side: Side;
  /** What was done, and what to do instead. */
  readonly message: string;
}

/** The breaches of one call. */
export class AsyncBreaches {
  readonly #breaches: AsyncBreach[] = [];
  readonly #report: (breaches: readonly AsyncBreach[]) => void;
  #reported = false;

  constructor(report: (breaches: readonly AsyncBreach[]) => void) {
    this.#report = report;
  }

  /** @param what what was done; what to do instead is in the table. One breach of each rule and side is enough. */
  add(rule: AsyncRuleId, side: Side, what: string): void {
    if (this.#breaches.some((breach) => breach.rule === rule && breach.side === side)) return;
    const breach = { rule, side, message: `${what}: ${asyncValidatorRules[rule]}` };
    this.#breaches.push(breach);
    // A breach after the end is reported at once: there may be no other occasion.
    if (this.#reported) this.#report([breach]);
  }

  /** Adds a breach that was thrown as an error. */
  addError({ rule, message }: GatewayError, side: Side, what = ''): void {
    this.add(rule as AsyncRuleId, side, what + message.slice(rule.length + 2));
  }

  /** The call is over. */
  report(): void {
    if (this.#reported) return;
    this.#reported = true;
    if (this.#breaches.length > 0) this.#report(this.#breaches);
  }
}
