/**
 * The life of an application: told to start before anybody is served, and to stop when nobody is any more (the rules
 * A90 to A99 of docs/gateway-spec.md).
 *
 * It knows nothing of servers: the code that has one calls {@link Lifespan.start} and {@link Lifespan.stop}.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { startDeadline } from '../01-echo/index.ts';
import { GatewayError } from '../05-gateway/index.ts';
import type { AsyncApp, ReceivedEvent, SentEvent } from './async-app.ts';
import type { AsyncErrorReporter } from './async-settings.ts';
import { checkIsEvent } from './check-event.ts';
import { belongsTo, lifespanTable, nextState } from './exchange-states.ts';
import type { LifespanSendState } from './exchange-states.ts';
import { VERSION } from './http-scope.ts';
import { LifespanError } from './lifespan-error.ts';
import type { LifespanEvent } from './lifespan-events.ts';
import type { LifespanScope } from './scopes.ts';
import { SentPromises } from './sent-promises.ts';

export interface LifespanTimes {
  /** For the application to get ready, in milliseconds. */
  readonly startupMs: number;
  /** For it to put its things away, in milliseconds. */
  readonly shutdownMs: number;
}

export const defaultLifespanTimes: LifespanTimes = Object.freeze({ startupMs: 60_000, shutdownMs: 10_000 });

export class Lifespan {
  /** What each scope gets a copy of. */
  readonly state: Record<string, unknown> = {};
  readonly #scope: LifespanScope;
  readonly #app: AsyncApp;
  readonly #times: LifespanTimes;
  readonly #onError: AsyncErrorReporter;
  readonly #promises = new SentPromises();
  #state: LifespanSendState = 'starting';
  /** The application has called `receive`: it speaks lifespan. */
  #joined = false;
  /** It has sent an event that lifespan does not have: it takes this scope for another kind. */
  #mistaken = false;
  #receiver: PromiseWithResolvers<LifespanEvent> | null = null;
  #startupGiven = false;
  #shutdownGiven = false;
  readonly #started = Promise.withResolvers<void>();
  readonly #stopped = Promise.withResolvers<void>();

  constructor(app: AsyncApp, times: LifespanTimes, onError: AsyncErrorReporter) {
    this.#app = app;
    this.#times = times;
    this.#onError = onError;
    this.#scope = { type: 'lifespan', version: VERSION, state: this.state };
    // Even if nobody awaits it, its rejection must not end the process.
    this.#stopped.promise.catch(() => undefined);
  }

  /**
   * Calls the application and waits until it is ready, or has shown that it knows no lifespan.
   *
   * @throws LifespanError with the reason of an application that could not start
   */
  async start(): Promise<void> {
    this.#call().catch((error: unknown) => this.#onError(error, this.#scope));
    await within(this.#times.startupMs, this.#started.promise, 'startup');
  }

  /** Tells the application to put its things away, and waits until it has. @throws LifespanError */
  async stop(): Promise<void> {
    // TODO 6.2  Implement A96 and A97, with `shutdownMs` as the time limit (`within`). An application that is not
    //           serving has nothing to put away. Its answer to the shutdown is accepted only in the state
    //           `stopping`.
    throw new NotImplemented('6.2');
  }

  readonly #receive = (): Promise<ReceivedEvent> => {
    // TODO 6.2  Implement A31, A90 and A96. Each of the two events is given once, whether the call is already waiting
    //           or comes later. Any call after that waits for ever.
    throw new NotImplemented('6.2');
  };

  readonly #send = (event: SentEvent): Promise<void> => this.#promises.attempt(() => {
    checkIsEvent(event);
    if (!belongsTo('lifespan', event.type)) this.#mistaken = true;
    this.#state = nextState('lifespan', lifespanTable, this.#state, event.type);
    switch (event.type) {
      case 'lifespan.startup.complete':
        this.#started.resolve();
        break;
      case 'lifespan.startup.failed':
        this.#started.reject(new LifespanError('startup', event.message ?? 'the application did not say why'));
        break;
      case 'lifespan.shutdown.complete':
        this.#stopped.resolve();
        break;
      case 'lifespan.shutdown.failed':
        this.#stopped.reject(new LifespanError('shutdown', event.message ?? 'the application did not say why'));
        break;
      default:
    }
  });

  async #call(): Promise<void> {
    try {
      await this.#app(this.#scope, this.#receive, this.#send);
      this.#ended(null);
    } catch (error) {
      this.#ended({ error });
    }
  }

  /** The application has returned, or thrown. What that means depends on how far it has come. */
  #ended(thrown: { readonly error: unknown } | null): void {
    this.#promises.end();
    const before = this.#state;
    this.#state = 'ended';
    // TODO 6.2  Implement A93 to A95, and A97; `before` is the state that the application had reached. `failure` makes
    //           the error that `start` or `stop` then throws (`#started`, `#stopped`), and their caller reports it.
    //           Anything else that is thrown, even when everything is over, goes to `#onError`.
    throw new NotImplemented('6.2');
  }
}

function failure(phase: 'startup' | 'shutdown', thrown: { readonly error: unknown } | null): LifespanError {
  if (thrown === null) return new LifespanError(phase, `the application has returned without lifespan.${phase}.complete`);
  const { error } = thrown;
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new LifespanError(phase, reason, { cause: error });
}

/** Waits, but not for ever. */
async function within(ms: number, promise: Promise<void>, phase: 'startup' | 'shutdown'): Promise<void> {
  const late = Promise.withResolvers<never>();
  const deadline = startDeadline(() => late.reject(new LifespanError(phase, `it took longer than ${ms} ms`)), ms);
  try {
    await Promise.race([promise, late.promise]);
  } finally {
    deadline.clear();
  }
}
