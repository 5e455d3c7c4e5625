/**
 * Calls applications, and knows when all of them have returned.
 */

import { reportDetached } from '../01-echo/index.ts';
import type { AsyncApp, Receive, Scope, Send } from './async-app.ts';

/** What an application is called with, and who is told how it ended. */
export interface AppCall {
  readonly receive: Receive;
  readonly send: Send;
  returned(): void;
  threw(error: unknown): void;
}

export class RunningApps {
  #running = 0;
  #onIdle: (() => void) | null = null;

  /** Calls the application. Nothing is thrown, whatever it does. */
  run(app: AsyncApp, scope: Scope, call: AppCall): void {
    this.#running++;
    this.#call(app, scope, call).catch(reportDetached);
  }

  /** Resolves when no application is running. */
  async idle(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  async #call(app: AsyncApp, scope: Scope, call: AppCall): Promise<void> {
    try {
      await app(scope, call.receive, call.send);
      call.returned();
    } catch (error) {
      call.threw(error);
    } finally {
      this.#running--;
      if (this.#running === 0) this.#onIdle?.();
    }
  }
}
