/** What the tests of 6.6 do inside the process of the code under test: rooms, and streams of events. */
import { getEventListeners } from 'node:events';
import type * as Chapter from '#subject/06-websocket/index.ts';
import type { Address } from '#support/tcp-client.ts';
import { holdTimers } from './held-timers.ts';
import type { HeldTimers } from './held-timers.ts';
import { hurry } from './hurry.ts';
import type { Stage } from './stage.ts';

export interface RoomSetup {
  slowReaders?: 'drop' | 'close';
  /** Bytes that may wait for a member. */
  bufferedBytesMax?: number;
  /** Those who are there are told who comes and who leaves. */
  announces?: boolean;
  /** Nobody is told who comes and who leaves. */
  silent?: boolean;
  /** What may wait for a WebSocket before it is cut. */
  cutBytes?: number;
  deflate?: boolean;
}

export interface EventsSetup {
  heartbeatMs?: number;
  waitingMax?: number;
  retryMs?: number;
  /** The clock of the process runs this many times faster. */
  faster?: number;
  /** The timers of heartbeats run out when the test lets them. */
  held?: boolean;
}

/** What became of a `push`: what it returned, or the name of what it threw. */
export type Pushed = boolean | string;

const MIB = 1024 * 1024;

export function roomCalls(stage: Stage) {
  const { chapter, probe } = stage;
  const rooms = new Map<string, Chapter.Room>();
  const peers = new Map<string, Chapter.WebSocketPeer>();
  const senders = new Map<string, Chapter.EventSourceSender>();
  /** What has been said to everybody, for those who come back. */
  const log: Chapter.StreamEvent[] = [];
  const listeners = new Set<Chapter.EventSourceSender>();
  /** The `stopping` of the stream that began last. */
  let stopping: AbortSignal | null = null;
  let timers: HeldTimers | null = null;

  function roomOf(name: string, { slowReaders, bufferedBytesMax, announces = false, silent = false }: RoomSetup): Chapter.Room {
    const known = rooms.get(name);
    if (known !== undefined) return known;
    const change = (sign: string) => (presence: string): void => {
      probe.note(`${name}: ${sign} ${presence}, ${room.size}`);
      if (announces) room.broadcast(`${sign} ${presence}`);
    };
    const room: Chapter.Room = new chapter.Room({
      ...(slowReaders !== undefined && { slowReaders }),
      ...(bufferedBytesMax !== undefined && { bufferedBytesMax }),
      ...(!silent && { onJoin: change('came'), onLeave: change('left') }),
    });
    rooms.set(name, room);
    return room;
  }

  async function member(setup: RoomSetup, scope: Chapter.WebSocketScope, receive: Chapter.Receive, send: Chapter.Send): Promise<void> {
    await send({ type: 'websocket.accept' });
    const peer = scope.extensions['websocket.peer']!();
    peers.set(scope.query, peer);
    const name = scope.path.slice(1);
    if (name !== 'nowhere') roomOf(name, setup).join(peer, scope.query);
    for (;;) {
      const event = await receive();
      if (event.type === 'websocket.disconnect') return;
      if (event.type === 'websocket.receive') roomOf(name, setup).broadcast(event.data, peer);
    }
  }

  async function stream(setup: EventsSetup, scope: Chapter.HttpScope, send: Chapter.Send<Chapter.HttpSendEvent>): Promise<void> {
    const { heartbeatMs, waitingMax, retryMs } = setup;
    const sender = new chapter.EventSourceSender({
      ...(heartbeatMs !== undefined && { heartbeatMs }), ...(waitingMax !== undefined && { waitingMax }), ...(retryMs !== undefined && { retryMs }),
    });
    const name = scope.query;
    senders.set(name, sender);
    ({ stopping } = scope);
    if (scope.path === '/log') {
      const seen = chapter.lastEventId(scope.headers);
      probe.note(`${name}: last ${seen}`);
      for (const event of log.slice(log.findIndex(({ id }) => id === seen) + 1)) sender.push(event);
      listeners.add(sender);
    }
    if (scope.path === '/late') {
      probe.note(`${name}: waits`);
      await aborted(scope.stopping);
    }
    probe.note(`${name}: begins`);
    try {
      await sender.run(scope, send);
      probe.note(`${name}: ended`);
    } catch (error) {
      probe.note(`${name}: ${(error as Error).name}`);
      throw error;
    } finally {
      listeners.delete(sender);
    }
  }

  const named = <T>(map: Map<string, T>, name: string): T => {
    const found = map.get(name);
    if (found === undefined) throw new Error(`the test knows no ${name}`);
    return found;
  };

  return {
    /** Serves rooms: the path says which, `/nowhere` for none, and the query who comes. */
    serveRooms: async (setup: RoomSetup = {}): Promise<Address> => {
      const { cutBytes = 256 * MIB, deflate = false } = setup;
      const app: Chapter.AsyncApp = async (scope, receive, send) => {
        if (scope.type !== 'websocket') throw new chapter.UnknownScopeError(scope.type);
        await member(setup, scope, receive, send);
      };
      return await stage.serve(app, { websocket: { limits: { bufferedBytesMax: cutBytes }, deflate } });
    },

    /** How many were sent it, message by message. */
    broadcast: (room: string, messages: readonly (string | Uint8Array)[], except?: string): number[] => {
      const left = except === undefined ? undefined : named(peers, except);
      return messages.map((message) => named(rooms, room).broadcast(message, left));
    },
    presences: (room: string): string[] => rooms.get(room)?.presences() ?? [],
    roomSize: (room: string): number => rooms.get(room)?.size ?? 0,
    hasMember: (room: string, who: string): boolean => named(rooms, room).has(named(peers, who)),
    joinAs: (room: string, who: string, presence: string): void => named(rooms, room).join(named(peers, who), presence),
    leaveRoom: (room: string, who: string): boolean => named(rooms, room).leave(named(peers, who)),
    closePeer: (who: string, code: number): void => named(peers, who).close(code),
    /** Bytes that wait for a peer, as it says itself. */
    waitingFor: (who: string): number => named(peers, who).bufferedBytes,

    /**
     * Serves streams of events; the query says whose. At `/log` it begins after the id that the client has last seen, at
     * `/late` when the server has been told to stop.
     */
    serveEvents: async (setup: EventsSetup = {}): Promise<Address> => {
      if (setup.faster !== undefined) hurry(setup.faster);
      if (setup.held === true && setup.heartbeatMs !== undefined) timers = holdTimers(setup.heartbeatMs);
      const app: Chapter.AsyncApp = async (scope, _receive, send) => {
        if (scope.type !== 'http') throw new chapter.UnknownScopeError(scope.type);
        await stream(setup, scope, send);
      };
      const never = { headerMs: 1e9, idleMs: 1e9, sendMs: 1e9 };
      return await stage.serve(app, setup.faster === undefined ? {} : { timeouts: never });
    },

    /** Pushes events in one turn. */
    push: (name: string, events: readonly (Chapter.StreamEvent | Uint8Array)[]): Pushed[] => events.map((event) => pushed(() => named(senders, name).push(event))),
    /** Pushes one event this many times, and says how many of them were taken. */
    pushOften: (name: string, event: Chapter.StreamEvent, times: number): number =>
      Array.from({ length: times }, () => named(senders, name).push(event)).filter((taken) => taken).length,
    /** The same as bytes that were encoded before. */
    pushEncoded: (name: string, events: readonly Chapter.StreamEvent[]): Pushed[] =>
      events.map((event) => pushed(() => named(senders, name).push(chapter.encodeEvent(event)))),
    pushComment: (name: string, text: string): Pushed => pushed(() => named(senders, name).push(chapter.encodeComment(text))),
    markBeats: (): void => timers?.mark(),
    /** The timers that were running when they were marked run out, but for those that have been cleared. */
    runOutBeats: (): void => timers?.runOut(),
    /** How many wait to hear that the server stops. */
    listenersOfStopping: (): number => (stopping === null ? 0 : getEventListeners(stopping, 'abort').length),
    /** Says something to all that listen to the log, and to those who come back later. */
    say: (events: readonly Chapter.StreamEvent[]): void => {
      log.push(...events);
      for (const sender of listeners) for (const event of events) sender.push(event);
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function pushed(push: () => boolean): Pushed {
  try {
    return push();
  } catch (error) {
    if (error instanceof Error && 'exercise' in error) throw error;
    return (error as Error).name;
  }
}
