/**
 * The validator of part two, as middleware: it sits between a server and an application, changes nothing of what they
 * say to each other, and reports at the end of each call which rules of docs/gateway-spec.md were broken, and by whom.
 *
 * A server without it does none of this work.
 */

import { reportDetached } from '../01-echo/index.ts';
import { GatewayError } from '../05-gateway/index.ts';
import type { AsyncApp, Receive, Scope, Send } from './async-app.ts';
import { AsyncBreaches } from './async-breaches.ts';
import type { AsyncBreach, AsyncRuleId } from './async-breaches.ts';
import { checkScope } from './async-check-scope.ts';
import { WatchedReceive } from './async-watched-receive.ts';
import { WatchedSend } from './async-watched-send.ts';

export interface AsyncValidatorOptions {
  /**
   * Called with a call's breaches when the application has ended; not called if there are none. Default: writes a line
   * for each to stderr.
   */
  readonly report?: (breaches: readonly AsyncBreach[], scope: Scope) => void;
}

/** Watches an application and its caller. */
export function asyncValidator(app: AsyncApp, { report = writeToStderr }: AsyncValidatorOptions = {}): AsyncApp {
  return async (scope, receive, send) => {
    const breaches = new AsyncBreaches((list) => report(list, scope));
    if (!checkScope(scope, (rule, what) => breaches.add(rule, 'server', what))) {
      breaches.report();
      return app(scope, receive, send);
    }
    const call = new WatchedCall(scope, receive, send, breaches);
    try {
      const result: unknown = app(scope, call.receive, call.send);
      if (!isThenable(result)) breaches.add('A1', 'application', `the application returned ${String(result)}`);
      await result;
      call.returned();
    } finally {
      call.over();
      breaches.report();
    }
  };
}

/** One call of the application: what goes into it and what comes out. */
class WatchedCall {
  readonly #scope: Scope;
  readonly #receive: Receive;
  readonly #send: Send;
  readonly #breaches: AsyncBreaches;
  readonly #received: WatchedReceive;
  readonly #sent: WatchedSend;
  #receiving = false;
  #over = false;
  #disconnected = false;

  constructor(scope: Scope, receive: Receive, send: Send, breaches: AsyncBreaches) {
    this.#scope = scope;
    this.#receive = receive;
    this.#send = send;
    this.#breaches = breaches;
    this.#received = new WatchedReceive(scope.type, breaches);
    this.#sent = new WatchedSend(scope);
  }

  readonly receive: Receive = async () => {
    if (this.#over) this.#breaches.add('A6', 'application', 'receive was called after the application had ended');
    if (this.#receiving) {
      this.#breaches.add('A31', 'application', 'receive was called before the previous call had settled');
      return this.#receive();
    }
    this.#receiving = true;
    try {
      const event = await this.#promiseOf('receive', () => this.#receive());
      this.#received.gave(event);
      if (event?.type === 'lifespan.shutdown') this.#sent.shutdown();
      return event;
    } catch (error) {
      this.#received.rejected(error);
      throw error;
    } finally {
      this.#receiving = false;
    }
  };

  readonly send: Send = (event) => {
    if (this.#over) this.#breaches.add('A6', 'application', 'send was called after the application had ended');
    const gone = this.#isGone() && event?.type !== 'http.response.earlyHints';
    const refused = this.#take(event);
    const sent = this.#promiseOf('send', () => this.#send(event));
    sent.then(() => this.#taken(refused, gone), (error: unknown) => this.#rejected(refused, error)).catch(reportDetached);
    return sent;
  };

  /** The application has returned: checks whether it has done all that it had to. */
  returned(): void {
    if (this.#disconnected || this.#received.over) return;
    const { type } = this.#scope;
    if (type !== 'lifespan' && this.#scope.signal.aborted) return;
    const { http, websocket, lifespan, complete } = this.#sent;
    if (type === 'http') this.#checkAnswer(http, complete);
    else if (type === 'websocket') {
      if (websocket === 'connecting') this.#breaches.add('A77', 'application', 'it has returned without a decision');
      if (websocket === 'denying') this.#checkAnswer(http, complete);
    } else if (lifespan === 'starting' && this.#received.events > 0) {
      this.#breaches.add('A94', 'application', 'it has returned without an answer to lifespan.startup');
    }
  }

  over(): void {
    this.#over = true;
  }

  #isGone(): boolean {
    return this.#received.over && this.#scope.type !== 'lifespan' && !this.#sent.complete;
  }

  #checkAnswer(state: string, complete: boolean): void {
    if (state === 'complete' || (complete && state === 'sending')) return;
    const rule: AsyncRuleId = state === 'sending' ? 'A61' : 'A60';
    this.#breaches.add(rule, 'application', `it has returned with its response ${state === 'waiting' ? 'not begun' : state}`);
  }

  /** What the event breaks, if anything. */
  #take(event: unknown): GatewayError | null {
    try {
      this.#sent.take(event);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#breaches.addError(error, 'application');
      return error;
    }
    if (this.#sent.websocket === 'open' || this.#sent.lifespan === 'serving') this.#received.started();
    return null;
  }

  #taken(refused: GatewayError | null, gone: boolean): void {
    if (refused !== null) this.#breaches.addError(refused, 'server', 'send took what it has to refuse: ');
    else if (gone) this.#breaches.add('A58', 'server', 'send took an event after the disconnect');
  }

  #rejected(refused: GatewayError | null, error: unknown): void {
    const { name, rule } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
    if (name === 'DisconnectError') this.#disconnected = true;
    else if (rule === undefined) this.#breaches.add('A58', 'server', `send rejected with ${String(error)}`);
    // A39 is the only refusal that depends on how fast the client is.
    else if (refused === null && rule !== 'A39' && rule !== 'A6') {
      this.#breaches.add('A32', 'server', `send refused what it has to take (${String(rule)})`);
    }
  }

  /** What the server's function returns, made into a promise if it is not one. */
  #promiseOf<T>(name: 'receive' | 'send', call: () => Promise<T>): Promise<T> {
    try {
      const result: unknown = call();
      if (isThenable(result)) return result as Promise<T>;
      this.#breaches.add('A30', 'server', `${name} returned ${String(result)}`);
      return Promise.resolve(result as T);
    } catch (error) {
      this.#breaches.add(name === 'send' ? 'A32' : 'A30', 'server', `${name} threw`);
      return Promise.reject(error);
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function writeToStderr(breaches: readonly AsyncBreach[], scope: Scope): void {
  const where = scope?.type ?? 'no scope';
  for (const { rule, side, message } of breaches) process.stderr.write(`validator: ${where}: ${rule}, ${side}: ${message}\n`);
}
