/** What the tests of 6.5 do inside the process of the code under test. */
import type * as Chapter from '#subject/06-websocket/index.ts';
import type { Address } from '#support/tcp-client.ts';
import { hurry } from './hurry.ts';
import { Follower } from './life-script.ts';
import type { Step } from './life-script.ts';
import type { ServeSetup, Stage } from './stage.ts';

export interface LifeSetup {
  /** What is done at each path. */
  scripts: Record<string, readonly Step[]>;
  timeouts?: Partial<Chapter.WebSocketTimeouts>;
  limits?: Partial<Chapter.WebSocketLimits>;
  /** What an application that awaits nothing may have waiting, in bytes. */
  bufferedBytesMax?: number;
  /** The clock of the process runs so many times faster. */
  faster?: number;
}

/** As long as a test lasts, and longer. */
const NEVER_MS = 1e9;

export function lifeCalls(stage: Stage) {
  const { chapter, probe } = stage;
  const counts = new Map<string, number>();
  let visitors = 0;

  return {
    /** Serves scripts; who a WebSocket is stands behind the `?` of its target. */
    serveLife: async ({ scripts, timeouts, limits, faster, bufferedBytesMax }: LifeSetup): Promise<Address> => {
      if (faster !== undefined) hurry(faster);
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
        ...(faster !== undefined && { timeouts: { headerMs: NEVER_MS, idleMs: NEVER_MS, sendMs: NEVER_MS } }),
        ...(bufferedBytesMax !== undefined && { bufferedBytesMax }),
      };
      return await stage.serve(app, setup);
    },

    /** How many messages of its flood were taken. */
    flooded: (who: string): number => counts.get(who) ?? 0,
  };
}
