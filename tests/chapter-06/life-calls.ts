/** What the tests of 6.5 do inside the process of the code under test. */
import type * as Http from '#subject/02-http/index.ts';
import type * as Chapter from '#subject/06-websocket/index.ts';
import type { LoadChapter } from '#support/driver.ts';
import type { Address } from '#support/tcp-client.ts';
import { hurry } from './hurry.ts';
import { Follower } from './life-script.ts';
import type { Step } from './life-script.ts';
import type { Probe, ServeSetup, Stage } from './stage.ts';
import { standStill } from './standing-clock.ts';

export interface LifeSetup {
  /** What is done at each path. */
  scripts: Record<string, readonly Step[]>;
  timeouts?: Partial<Chapter.WebSocketTimeouts>;
  limits?: Partial<Chapter.WebSocketLimits>;
  /** What an application that awaits nothing may have waiting, in bytes. */
  bufferedBytesMax?: number;
  /** The clock of the process runs this many times faster. */
  faster?: number;
  /** The clock of the process stands until `moveClock`. */
  standing?: boolean;
}

/** As long as a test lasts, and longer. */
const NEVER_MS = 1e9;

export function lifeCalls(stage: Stage, load: LoadChapter) {
  const { chapter, probe } = stage;
  const counts = new Map<string, number>();
  let visitors = 0;
  let moveClock: ((ms: number) => void) | null = null;

  return {
    /** Serves scripts. What comes after the `?` of its target tells one WebSocket from another. */
    serveLife: async ({ scripts, timeouts, limits, faster, standing = false, bufferedBytesMax }: LifeSetup): Promise<Address> => {
      if (faster !== undefined) hurry(faster);
      if (standing) moveClock ??= standStill();
      const app: Chapter.AsyncApp = async (scope, receive, send) => {
        if (scope.type !== 'websocket') throw new chapter.UnknownScopeError(scope.type);
        const steps = scripts[scope.path];
        if (steps === undefined) throw new Error(`the test has no script for ${scope.path}`);
        const who = scope.query === '' ? `visitor ${++visitors}` : scope.query;
        await new Follower(who, receive, send, probe, counts).follow(steps);
        probe.note(`${who}: returned`);
      };
      const setup: ServeSetup = {
        websocket: { ...(timeouts !== undefined && { timeouts }), ...(limits !== undefined && { limits }) },
        // Of chapter 02's own deadlines none is to come between.
        ...((standing || faster !== undefined) && { timeouts: { headerMs: NEVER_MS, idleMs: NEVER_MS, sendMs: NEVER_MS } }),
        ...(bufferedBytesMax !== undefined && { bufferedBytesMax }),
      };
      return await stage.serve(app, setup);
    },

    moveClock: (ms: number): void => moveClock?.(ms),

    /**
     * Serves WebSockets without an application. Each sends sixteen messages when the gate opens and asks for `drained`;
     * as soon as some of that has gone, sixteen more. `drained: ` and what still waits, in bytes, is noted.
     */
    serveSender: async (messageBytes: number, limits: Partial<Chapter.WebSocketLimits>): Promise<Address> => {
      const http = (await load('02-http')) as typeof Http;
      const webSockets = new chapter.WebSockets({ limits });
      const server = await http.serveHttp((request) => webSockets.accept(webSockets.readOffer(request), {}, (peer) => {
        void sendTwice(peer, messageBytes, probe);
      }), { host: '127.0.0.1', port: 0, onError: () => {} });
      return { host: '127.0.0.1', port: (server.address as { port: number }).port };
    },

    /** How many messages of its flood were taken. */
    flooded: (who: string): number => counts.get(who) ?? 0,
  };
}

async function sendTwice(peer: Chapter.WebSocketPeer, messageBytes: number, probe: Probe): Promise<void> {
  await probe.pass('send');
  const message = Buffer.alloc(messageBytes);
  const sendAll = (): void => {
    for (let count = 0; count < 16; count++) peer.send(message);
  };
  sendAll();
  const bufferedBytes = peer.bufferedBytes;
  void Promise.resolve(peer.drained()).then((drained) => probe.note(`drained: ${drained} ${peer.bufferedBytes}`));
  probe.note('waits');
  while (peer.bufferedBytes >= bufferedBytes && peer.state === 'open') await new Promise((resolve) => setImmediate(resolve));
  sendAll();
  probe.note('sent');
}
