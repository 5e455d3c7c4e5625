/**
 * What the WebSockets of one server (or of one client) share: settings, and one timer for all their deadlines.
 *
 * Ten thousand timers for as many heartbeats would be a burden. So each session notes when its time is up, and every
 * tick looks at all sessions. A deadline is met up to two ticks late, never early.
 */

import { withWebSocketLimits } from './limits.ts';
import type { WebSocketLimits } from './limits.ts';
import { defaultWebSocketTimeouts } from './timeouts.ts';
import type { WebSocketTimeouts } from './timeouts.ts';

/** A session, as its group sees it. */
export interface GroupMember {
  /** In the time of {@link SessionGroup.after}. Asked for at every tick. */
  readonly deadlineMs: number;
  expire(): void;
  close(code: number, reason: string): void;
}

export interface SessionGroupOptions {
  readonly limits?: Partial<WebSocketLimits>;
  readonly timeouts?: Partial<WebSocketTimeouts>;
  /** Called with what applications throw. Default: written to stderr. */
  readonly onError?: (error: unknown) => void;
}

const TICK_MS_MIN = 10;
const TICK_MS_MAX = 1000;

export class SessionGroup {
  readonly limits: WebSocketLimits;
  readonly timeouts: WebSocketTimeouts;
  readonly onError: (error: unknown) => void;
  readonly #tickMs: number;
  readonly #members = new Set<GroupMember>();
  #timer: NodeJS.Timeout | null = null;
  #nowMs = 0;
  #onEmpty: (() => void)[] = [];

  constructor(options: SessionGroupOptions = {}) {
    this.limits = withWebSocketLimits(options.limits);
    this.timeouts = { ...defaultWebSocketTimeouts, ...options.timeouts };
    this.onError = options.onError ?? ((error) => console.error('error in a WebSocket:', error));
    const shortestMs = Math.min(...Object.values(this.timeouts));
    this.#tickMs = Math.min(TICK_MS_MAX, Math.max(TICK_MS_MIN, shortestMs / 4));
  }

  get size(): number {
    return this.#members.size;
  }

  /** The time of the last tick, in milliseconds of performance.now. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** The deadline that lies this many milliseconds ahead. */
  after(ms: number): number {
    // Without members nothing ticks, and the clock has stopped at the last tick.
    if (this.#timer === null) this.#nowMs = performance.now();
    return this.#nowMs + ms + this.#tickMs;
  }

  /** Watches a session. The timer runs while there is one, and keeps no process alive. */
  add(member: GroupMember): void {
    this.#members.add(member);
    this.#timer ??= setInterval(() => this.#tick(), this.#tickMs).unref();
  }

  delete(member: GroupMember): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    const onEmpty = this.#onEmpty;
    this.#onEmpty = [];
    for (const resolve of onEmpty) resolve();
  }

  /** Closes all; resolves when none is left. */
  closeAll(code: number, reason: string): Promise<void> {
    const empty = new Promise<void>((resolve) => {
      if (this.size === 0) resolve();
      else this.#onEmpty.push(resolve);
    });
    for (const member of this.#members) member.close(code, reason);
    return empty;
  }

  #tick(): void {
    this.#nowMs = performance.now();
    for (const member of this.#members) {
      if (member.deadlineMs <= this.#nowMs) member.expire();
    }
  }
}
