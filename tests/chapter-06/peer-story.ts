/** What the tests of 6.5 ask of a WebSocket without an application, and how they wait for it. */
import type * as Chapter from '#subject/06-websocket/index.ts';
import type { World } from '#support/exercise.ts';
import { check, CheckFailure } from '#support/failure.ts';
import type { Address } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import { PeerClient } from './life-client.ts';
import { told } from './life-story.ts';

type PeersWorld = World<typeof driver>;

/** How often a state may be asked for before it counts as what it is. */
const ASKED_MAX = 500;

/** Opens a WebSocket that the test holds under this name. */
export async function openPeer(world: PeersWorld, server: Address, who: string): Promise<PeerClient> {
  const client = await PeerClient.open(world, server, `/?${who}`);
  await told(world, who, 'open', { sent: 'a handshake', received: 'its WebSocket is not open', expected: 'a WebSocket' });
  return client;
}

/** What a call gives that waits for something which may never be. */
export async function given<T>(asked: Promise<T>, what: string, sent: string, expected: string): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    // The call did not come back.
    if (!(error instanceof CheckFailure) || error.report.kind !== 'did not start') throw error;
    throw new CheckFailure({ kind: 'wrong behaviour', sent, received: `\`${what}\` gives nothing`, expected });
  }
}

/** Waits for a state. */
export async function untilState(world: PeersWorld, who: string, state: Chapter.WebSocketPeer['state'], sent: string): Promise<void> {
  let last = await world.call('peerState', who);
  for (let asked = 0; asked < ASKED_MAX && last !== state; asked++) {
    await world.settle();
    last = await world.call('peerState', who);
  }
  check(last === state, { sent, received: `the state is "${last}"`, expected: `"${state}"` });
}

/** Looks at what `closed` gives. @param reason left out where it is free */
export function expectClosure(closure: Chapter.WebSocketClosure, expected: { code: number; reason?: string; clean: boolean }, sent: string): void {
  const same = closure.code === expected.code && closure.clean === expected.clean && closure.reason === (expected.reason ?? closure.reason);
  check(same, { sent, received: `closed gives ${JSON.stringify(closure)}`, expected: JSON.stringify(expected) });
}
