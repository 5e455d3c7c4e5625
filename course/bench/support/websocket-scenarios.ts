/**
 * The loads that WebSockets are measured under, and what chapter 06's are to reach beside ws in the same run.
 */

import type { WebSocketLoad } from './websocket-load.ts';

/** The servers that goals are about. */
export const OURS = 'ten-servers';
export const THEIRS = 'ws';

export interface WebSocketScenario {
  readonly name: string;
  readonly title: string;
  readonly load: WebSocketLoad;
  /** How many times the messages of ws, at least. */
  readonly atLeast?: number;
  /** What else must be known to read its table. */
  readonly note?: string;
}

const pingPong: WebSocketLoad = {
  path: '/echo', connections: 50, inFlight: 1, bytes: 125, binary: false, deflate: false, idle: false,
};

export const webSocketScenarios: readonly WebSocketScenario[] = [
  { name: 'ping-pong', title: 'ping-pong, 125 bytes of text', load: pingPong, atLeast: 1.1 },
  { name: 'in-flight', title: 'sixteen of these in flight', load: { ...pingPong, inFlight: 16 }, atLeast: 3 },
  {
    name: 'large',
    title: 'ping-pong, 64 KB, binary',
    load: { ...pingPong, connections: 20, bytes: 64 * 1024, binary: true },
    atLeast: 1.2,
  },
  {
    name: 'broadcast',
    title: 'a room of 1,000, 125 bytes of text',
    load: { ...pingPong, path: '/room', connections: 1000 },
    note: 'each message is counted as often as it arrives; the next one is sent when half of the room has it.',
  },
  {
    name: 'deflate',
    title: 'ping-pong, 4 KB of text, permessage-deflate',
    load: { ...pingPong, bytes: 4096, deflate: true },
    note: 'all with their own settings: level, window and history differ, and so does what comes back.',
  },
];

/** Clients that have said one thing, and then nothing. */
export const idleLoad: WebSocketLoad = { ...pingPong, connections: 10_000, idle: true };

/** Of the memory of ws, at most. */
export const MEMORY_AT_MOST = 1;
