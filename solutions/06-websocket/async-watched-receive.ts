/**
 * What a server gives an application to receive, as the validator sees it: its order and its form.
 */

import type { AsyncBreaches, AsyncRuleId } from './async-breaches.ts';
import type { Scope } from './async-app.ts';

type Event = Record<string, unknown>;

export class WatchedReceive {
  readonly #kind: Scope['type'];
  readonly #breaches: AsyncBreaches;
  #events = 0;
  #bodyEnded = false;
  #broken = false;
  /** The last event was given, which may be repeated: the client has gone. */
  #over = false;
  #started = false;

  constructor(kind: Scope['type'], breaches: AsyncBreaches) {
    this.#kind = kind;
    this.#breaches = breaches;
  }

  get over(): boolean {
    return this.#over;
  }

  /** How many events were given. */
  get events(): number {
    return this.#events;
  }

  /** The application has sent its `websocket.accept` or `lifespan.startup.complete`. */
  started(): void {
    this.#started = true;
  }

  gave(given: unknown): void {
    this.#events++;
    const event = (typeof given === 'object' && given !== null ? given : {}) as Event;
    if (this.#broken) this.#complain('A42', 'receive gave an event after it had rejected');
    switch (this.#kind) {
      case 'http':
        this.#http(event);
        break;
      case 'websocket':
        this.#websocket(event);
        break;
      default:
        this.#lifespan(event);
    }
  }

  rejected(error: unknown): void {
    const { status, rule } = (typeof error === 'object' && error !== null ? error : {}) as Event;
    // A refusal of the call itself says nothing about the body.
    if (rule !== undefined) return;
    if (this.#kind !== 'http') return this.#complain('A30', `receive rejected: ${String(error)}`);
    this.#broken = true;
    if (typeof status !== 'number') this.#complain('A42', `receive rejected with ${String(error)}`);
  }

  #http(event: Event): void {
    const { type, body, moreBody } = event;
    if (type === 'http.disconnect') {
      this.#over = true;
      return;
    }
    const isPart = type === 'http.request' && body instanceof Uint8Array && typeof moreBody === 'boolean';
    if (this.#over) this.#complain('A41', `${String(type)} came after http.disconnect`);
    else if (this.#bodyEnded) this.#complain('A40', `${String(type)} came after the last part`);
    else if (!isPart) this.#complain('A40', `${String(type)} came, with something missing`);
    if (moreBody === false) this.#bodyEnded = true;
  }

  #websocket(event: Event): void {
    const { type, data, code, reason } = event;
    if ((type === 'websocket.connect') !== (this.#events === 1)) {
      this.#complain('A70', `event ${this.#events} was ${String(type)}`);
      return;
    }
    if (type === 'websocket.connect') return;
    if (type === 'websocket.disconnect') {
      this.#over = true;
      if (typeof code === 'number' && typeof reason === 'string') return;
      this.#complain('A81', 'websocket.disconnect has no code or no reason');
      return;
    }
    const isMessage = type === 'websocket.receive' && (typeof data === 'string' || data instanceof Uint8Array);
    if (this.#over) this.#complain('A81', `${String(type)} came after websocket.disconnect`);
    else if (!isMessage || !this.#started) {
      this.#complain('A80', `${String(type)} came${this.#started ? '' : ' before websocket.accept'}`);
    }
  }

  #lifespan({ type }: Event): void {
    const isShutdown = type === 'lifespan.shutdown' && this.#started && !this.#over;
    const what = `event ${this.#events} was ${String(type)}`;
    if ((type === 'lifespan.startup') !== (this.#events === 1)) this.#complain('A90', what);
    else if (this.#events > 1 && !isShutdown) this.#complain('A96', what);
    if (type === 'lifespan.shutdown') this.#over = true;
  }

  #complain(rule: AsyncRuleId, what: string): void {
    this.#breaches.add(rule, 'server', what);
  }
}
