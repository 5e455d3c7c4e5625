/**
 * A socket cannot be handed to a thread, since its descriptor belongs to the loop that opened it. Its bytes can.
 *
 * One chunk is under way in each direction at a time: each side says when it is ready for the next. No other flow
 * control is needed.
 */

/** From the loop that has the socket to the thread that has the connection. */
export type ToConnection =
  | { readonly type: 'data'; readonly bytes: Uint8Array<ArrayBuffer> }
  /** What was written has gone to the kernel. */
  | { readonly type: 'written' }
  /** The client will send nothing more. */
  | { readonly type: 'end' }
  /** The server is closing: end after the response in progress. */
  | { readonly type: 'finish' }
  /** The statistics of all, which it asked for, as JSON. */
  | { readonly type: 'stats'; readonly stats: unknown };

/** From the thread to the loop. */
export type FromConnection =
  /** Ready for the next chunk. */
  | { readonly type: 'read' }
  | { readonly type: 'write'; readonly bytes: Uint8Array<ArrayBuffer> }
  /** We have sent everything. */
  | { readonly type: 'end' }
  | { readonly type: 'destroy' }
  | { readonly type: 'served' }
  | { readonly type: 'stats' };
