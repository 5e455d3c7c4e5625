/**
 * What `send` returns: promises that reject if the event was refused, and that nobody has to await.
 */

import { GatewayError } from '../05-gateway/index.ts';

export class SentPromises {
  #refused: GatewayError | null = null;
  #over = false;

  /** Runs the code that sends an event. If that throws, the promise rejects: `send` itself never throws (A32). */
  attempt(act: () => Promise<void> | void): Promise<void> {
    try {
      if (this.#over) throw new GatewayError('A6', 'an event was sent after the application had returned');
      const sent = act();
      if (sent === undefined) return done;
      // An application that does not await it must not end the process when its client goes.
      sent.catch(this.#note);
      return sent;
    } catch (error) {
      const refused = Promise.reject(error);
      refused.catch(this.#note);
      return refused;
    }
  }

  /** The application has ended: nothing more is taken. */
  end(): void {
    this.#over = true;
  }

  /** The first refusal, unless the application has thrown that error itself: somebody should hear of it. */
  unheard(thrown: unknown): GatewayError | null {
    return this.#refused === thrown ? null : this.#refused;
  }

  readonly #note = (error: unknown): void => {
    if (error instanceof GatewayError) this.#refused ??= error;
  };
}

const done = Promise.resolve();
