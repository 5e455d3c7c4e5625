/** The life of an application: two events in a queue, and an answer to each. */

import { GatewayError } from '../05-gateway/index.ts';
import type { AsyncApp, ReceivedEvent, SentEvent } from './async-app.ts';
import type { AsyncErrorReporter } from './async-settings.ts';
import { checkIsEvent } from './check-event.ts';
import { VERSION } from './http-scope.ts';
import { LifespanError } from './lifespan-error.ts';
import type { LifespanEvent } from './lifespan-events.ts';
import type { LifespanScope } from './scopes.ts';

export interface LifespanTimes {
  readonly startupMs: number;
  readonly shutdownMs: number;
}

export const defaultLifespanTimes: LifespanTimes = Object.freeze({ startupMs: 60_000, shutdownMs: 10_000 });

type Outcome = { readonly kind: 'ready' | 'stranger' } | { readonly kind: 'failed'; readonly error: unknown };

const TYPES = ['lifespan.startup.complete', 'lifespan.startup.failed', 'lifespan.shutdown.complete', 'lifespan.shutdown.failed'];

export class Lifespan {
  readonly state: Record<string, unknown> = {};
  readonly #app: AsyncApp;
  readonly #times: LifespanTimes;
  readonly #onError: AsyncErrorReporter;
  readonly #queue: LifespanEvent[] = [{ type: 'lifespan.startup' }];
  #wake: (() => void) | null = null;
  #asked = 0;
  #foreign = false;
  /** What is asked of the application now. */
  #question: 'startup' | 'shutdown' | null = 'startup';
  #answer: ((outcome: Outcome) => void) | null = null;
  #over = false;

  constructor(app: AsyncApp, times: LifespanTimes, onError: AsyncErrorReporter) {
    this.#app = app;
    this.#times = times;
    this.#onError = onError;
  }

  async start(): Promise<void> {
    const outcome = await this.#ask(this.#times.startupMs, 'startup', () => void this.#run());
    if (outcome.kind === 'failed') throw outcome.error;
  }

  async stop(): Promise<void> {
    if (this.#over || this.#question !== null) return;
    this.#question = 'shutdown';
    const outcome = await this.#ask(this.#times.shutdownMs, 'shutdown', () => {
      this.#queue.push({ type: 'lifespan.shutdown' });
      this.#wake?.();
    });
    if (outcome.kind === 'failed') throw outcome.error;
  }

  #ask(ms: number, phase: 'startup' | 'shutdown', begin: () => void): Promise<Outcome> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle({ kind: 'failed', error: new LifespanError(phase, `nothing for ${ms} ms`) }), ms);
      this.#answer = (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      };
      begin();
    });
  }

  #settle(outcome: Outcome): void {
    this.#question = null;
    const answer = this.#answer;
    this.#answer = null;
    answer?.(outcome);
  }

  async #run(): Promise<void> {
    const scope: LifespanScope = { type: 'lifespan', version: VERSION, state: this.state };
    let thrown: { error: unknown } | null = null;
    try {
      await this.#app(scope, () => this.#receive(), (event) => this.#send(event));
    } catch (error) {
      thrown = { error };
    }
    this.#over = true;
    if (this.#question === 'startup') {
      const stranger = this.#asked === 0 || this.#foreign;
      const reason = thrown === null ? 'it returned' : String(thrown.error);
      this.#settle(stranger ? { kind: 'stranger' } : { kind: 'failed', error: new LifespanError('startup', reason) });
    } else if (this.#question === 'shutdown') {
      this.#settle(thrown === null ? { kind: 'ready' } : { kind: 'failed', error: thrown.error });
    } else if (thrown !== null) {
      this.#onError(thrown.error, scope);
    }
  }

  async #receive(): Promise<ReceivedEvent> {
    if (this.#wake !== null) throw new GatewayError('A31', 'one at a time');
    this.#asked++;
    while (this.#queue.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = null;
    return this.#queue.shift()!;
  }

  #send(event: SentEvent): Promise<void> {
    const answer = this.#take(event);
    answer.catch(() => undefined);
    return answer;
  }

  async #take(event: SentEvent): Promise<void> {
    checkIsEvent(event);
    if (this.#over) throw new GatewayError('A6', 'it is over');
    if (!TYPES.includes(event.type)) {
      this.#foreign = true;
      throw new GatewayError('A33', `${event.type} in a lifespan`);
    }
    const [, phase, how] = event.type.split('.');
    if (phase !== this.#question) throw new GatewayError('A98', `nobody has asked for ${event.type}`);
    if (how === 'complete') {
      this.#settle({ kind: 'ready' });
      return;
    }
    const { message = 'no reason was given' } = event as { message?: string };
    this.#over = true;
    this.#settle({ kind: 'failed', error: new LifespanError(this.#question ?? 'startup', message) });
  }
}
