/**
 * The states of a WebSocket once it is open, and every legal transition.
 *
 * ```text
 *  open ──send-close──▶ close-sent ──receive-close──▶ closed
 *   │ └──receive-close──▶ close-received ──send-close──▶ closed
 *   └──fail──▶ failed ──send-close──▶ closed
 * ```
 *
 * Each side sends one Close frame, and no frame after it (RFC 6455 §5.5.1, §7.1.2). When both have, the connection only
 * has to be ended.
 */

export type WebSocketRole = 'client' | 'server';

export type WebSocketState =
  | 'open'
  /** We have sent a Close frame. What the peer has sent before its own still arrives. */
  | 'close-sent'
  /** The peer has sent one, and will send nothing more. Ours is due. */
  | 'close-received'
  /** The peer broke the protocol. We may say so in a Close frame, and read no more. */
  | 'failed'
  | 'closed';

export type WebSocketTransition = 'send-frame' | 'send-close' | 'receive-frame' | 'receive-close' | 'fail' | 'end';

/** For each state, where each transition leads. What is not here is an error. */
export const webSocketTransitions: Readonly<
  Record<WebSocketState, Readonly<Partial<Record<WebSocketTransition, WebSocketState>>>>
> = {
  open: {
    'send-frame': 'open',
    'send-close': 'close-sent',
    'receive-frame': 'open',
    'receive-close': 'close-received',
    fail: 'failed',
    end: 'closed',
  },
  'close-sent': { 'receive-frame': 'close-sent', 'receive-close': 'closed', fail: 'closed', end: 'closed' },
  'close-received': { 'send-close': 'closed', end: 'closed' },
  failed: { 'send-close': 'closed', end: 'closed' },
  closed: { end: 'closed' },
};
