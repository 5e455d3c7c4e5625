/**
 * The states of an HTTP connection, and every legal transition (after h11's `_state.py`).
 *
 * Each side of a connection has a state, and each event moves the side that it comes from. A transition that is not in
 * the table is a protocol error: the peer's if the event was received, the caller's if it was to be sent.
 *
 * ```text
 * client  idle ──request──▶ body ──end──▶ done ─┐
 * server  idle ─(request)─▶ send-response ──response──▶ body ──end──▶ done ─┤ both done: idle, or must-close
 *                                └──switch──▶ switched
 * ```
 */

export type Role = 'client' | 'server';

export type State =
  | 'idle'
  | 'send-response'
  | 'body'
  | 'done'
  /** Done, and nothing more may be sent. */
  | 'must-close'
  | 'closed'
  /** The connection speaks another protocol now. */
  | 'switched'
  /** The side broke the protocol. There is no way out. */
  | 'error';

export type Transition = 'request' | 'informational' | 'response' | 'data' | 'end' | 'switch' | 'closed';

/** For each state of one role, where each transition leads. */
export type Transitions = Readonly<Record<State, Readonly<Partial<Record<Transition, State>>>>>;

export const transitions: Readonly<Record<Role, Transitions>> = {
  client: {
    idle: { request: 'body', closed: 'closed' },
    'send-response': {},
    body: { data: 'body', end: 'done' },
    done: { closed: 'closed', switch: 'switched' },
    'must-close': { closed: 'closed' },
    closed: { closed: 'closed' },
    switched: {},
    error: {},
  },
  server: {
    // A server may answer what it could not read (400, 408), and a request moves it on.
    idle: { request: 'send-response', response: 'body', closed: 'closed' },
    'send-response': { informational: 'send-response', response: 'body', switch: 'switched' },
    body: { data: 'body', end: 'done' },
    done: { closed: 'closed' },
    'must-close': { closed: 'closed' },
    closed: { closed: 'closed' },
    switched: {},
    error: {},
  },
};

/** The other role. */
export function peerOf(role: Role): Role {
  return role === 'client' ? 'server' : 'client';
}
