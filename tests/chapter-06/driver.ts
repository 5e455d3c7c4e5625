/**
 * What the tests of chapter 06 do inside the process of the code under test.
 *
 * The calls of an exercise are in a file of their own: a function such as `httpCalls(stage)` that makes them, whose
 * result is spread below. Two of them must not share a name. The stage (stage.ts) serves an application by
 * `stage.serve(app, setup)`, keeps what was reported, and has the probe: `note` and `pass` for applications,
 * `events`, `seen` and `openGate` for tests. On the wire, ws-client.ts is a WebSocket's other end.
 *
 * An exercise may use what the earlier ones have made and nothing else: rules of 6.1 serve without a lifespan (the
 * stage's default), those of 6.3 do not let a client's frame arrive, and those of 6.6 do without permessage-deflate.
 */
import { NotImplemented } from '#course/not-implemented.ts';
import type * as Chapter from '#subject/06-websocket/index.ts';
import { driver } from '#support/driver.ts';
import { frameCalls } from './frame-calls.ts';
import { handshakeCalls } from './handshake-calls.ts';
import { httpCalls } from './http-calls.ts';
import { lifeCalls } from './life-calls.ts';
import { lifespanCalls } from './lifespan-calls.ts';
import { peerCalls } from './peer-calls.ts';
import { roomCalls } from './room-calls.ts';
import { Stage, stageCalls } from './stage.ts';

/**
 * A part that is not written yet is reported as such, and not as a 500 or a closed connection, whatever catches it.
 * A test that asks after this process finds it dead.
 */
Object.defineProperty(NotImplemented.prototype, 'name', {
  set(this: NotImplemented, name: string) {
    Object.defineProperty(this, 'name', { value: name });
    process.nextTick(() => {
      throw this;
    });
  },
});

export default driver<typeof Chapter>()('06-websocket', (chapter, load) => {
  const stage = new Stage(chapter);
  return {
    ...stageCalls(stage),
    // 6.1
    ...httpCalls(stage, load),
    // 6.2
    ...lifespanCalls(stage),
    // 6.3
    ...handshakeCalls(stage, load),
    // 6.4, 6.7
    ...frameCalls(stage, load),
    // 6.5
    ...lifeCalls(stage, load),
    ...peerCalls(stage, load),
    // 6.6
    ...roomCalls(stage),
  };
});
