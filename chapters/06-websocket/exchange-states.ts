/**
 * The states of what an application sends, and every legal event: one table for each kind of scope. What is not in its
 * table is refused, with the rule that it breaks.
 *
 * ```text
 * http       waiting ──start──▶ started ──body──▶ sending ──last body──▶ complete
 * websocket  connecting ──accept──▶ open ──close──▶ closed
 *                 ├──close──▶ closed
 *                 └──response.start──▶ denying ──(as http)──▶ closed
 * lifespan   starting ──startup.complete──▶ serving ─(shutdown)─▶ stopping ──shutdown.complete──▶ ended
 * ```
 */

import { GatewayError } from '../05-gateway/index.ts';
import type { SentEvent } from './async-app.ts';

export type SentType = SentEvent['type'];

export type HttpSendState = 'waiting' | 'started' | 'sending' | 'complete';
export type WebSocketSendState = 'connecting' | 'open' | 'denying' | 'closed';
export type LifespanSendState = 'starting' | 'serving' | 'stopping' | 'ended';

/** For each state, where each event leads. */
export type SendTable<State extends string> = Readonly<Record<State, Readonly<Partial<Record<SentType, State>>>>>;

/** A body event leads to `complete` if it is the last: {@link HttpBody.moreBody} says so, not its type. */
export const httpTable: SendTable<HttpSendState> = {
  waiting: { 'http.response.start': 'started', 'http.response.earlyHints': 'waiting' },
  // Hints for a response that has begun come too late, and do no harm: they are dropped.
  started: { 'http.response.body': 'sending', 'http.response.earlyHints': 'started' },
  sending: { 'http.response.body': 'sending', 'http.response.earlyHints': 'sending' },
  complete: { 'http.response.earlyHints': 'complete' },
};

export const websocketTable: SendTable<WebSocketSendState> = {
  connecting: {
    'websocket.accept': 'open',
    'websocket.close': 'closed',
    'websocket.http.response.start': 'denying',
  },
  open: { 'websocket.send': 'open', 'websocket.close': 'closed' },
  // The response has states of its own: those of http.
  denying: { 'websocket.http.response.start': 'denying', 'websocket.http.response.body': 'denying' },
  closed: {},
};

export const lifespanTable: SendTable<LifespanSendState> = {
  starting: { 'lifespan.startup.complete': 'serving', 'lifespan.startup.failed': 'ended' },
  serving: {},
  stopping: { 'lifespan.shutdown.complete': 'ended', 'lifespan.shutdown.failed': 'ended' },
  ended: {},
};

/** The rule that an event breaks if its state does not know it. */
const rules: Readonly<Record<HttpSendState | WebSocketSendState | LifespanSendState, (type: SentType) => string>> = {
  waiting: () => 'A51',
  started: () => 'A50',
  sending: () => 'A50',
  complete: (type) => (type.endsWith('.start') ? 'A50' : 'A52'),
  connecting: () => 'A75',
  open: () => 'A76',
  denying: () => 'A76',
  closed: (type) => (type === 'websocket.send' || type === 'websocket.close' ? 'A85' : 'A76'),
  starting: () => 'A98',
  serving: () => 'A98',
  stopping: () => 'A98',
  ended: () => 'A98',
};

/** The types of each kind of scope. */
const kinds: ReadonlyMap<string, SendTable<string>> = new Map<string, SendTable<string>>([
  ['http', httpTable],
  ['websocket', websocketTable],
  ['lifespan', lifespanTable],
]);

/** Whether events of this type belong to a scope of this kind. */
export function belongsTo(kind: string, type: unknown): boolean {
  const table = kinds.get(kind);
  return table !== undefined && typeof type === 'string' && Object.values(table).some((row) => Object.hasOwn(row, type));
}

/**
 * The state to which an event leads.
 *
 * @throws GatewayError A33 for an event that this kind of scope does not have; otherwise the rule of the state
 */
export function nextState<State extends HttpSendState | WebSocketSendState | LifespanSendState>(
  kind: 'http' | 'websocket' | 'lifespan',
  table: SendTable<State>,
  state: State,
  type: SentType,
): State {
  // Only the table's own keys: every object has `toString` and `constructor`, too.
  const row = table[state];
  const next = Object.hasOwn(row, type) ? row[type] : undefined;
  if (next !== undefined) return next;
  if (!belongsTo(kind, type)) throw new GatewayError('A33', `${shown(type)} is not an event of a scope of type '${kind}'`);
  throw new GatewayError(rules[state](type), `${type} in the state '${state}', which takes ${listed(Object.keys(table[state]))}`);
}

function listed(types: readonly string[]): string {
  return types.length === 0 ? 'nothing more' : types.join(' or ');
}

function shown(type: unknown): string {
  return typeof type === 'string' ? `'${type}'` : String(type);
}
