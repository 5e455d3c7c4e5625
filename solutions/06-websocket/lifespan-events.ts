/**
 * The events of an application's life: the rules A90 to A99 of docs/gateway-spec.md.
 */

/** Get ready: nobody is served before the answer. */
export interface LifespanStartupEvent {
  readonly type: 'lifespan.startup';
}

/** The last connection has ended: put away what startup has opened. */
export interface LifespanShutdownEvent {
  readonly type: 'lifespan.shutdown';
}

export type LifespanEvent = LifespanStartupEvent | LifespanShutdownEvent;

export interface LifespanComplete {
  readonly type: 'lifespan.startup.complete' | 'lifespan.shutdown.complete';
}

export interface LifespanFailed {
  readonly type: 'lifespan.startup.failed' | 'lifespan.shutdown.failed';
  /** For the person who runs the server. */
  readonly message?: string;
}

export type LifespanSendEvent = LifespanComplete | LifespanFailed;
