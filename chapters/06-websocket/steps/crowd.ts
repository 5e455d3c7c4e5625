/**
 * Tells all who are there the same, twice a second, and waits for each of them:
 * `npm run serve chapter-06 -- --solution --port 8060 --app chapters/06-websocket/steps/crowd.ts:app`.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { AsyncApp, Send } from '../async-app.ts';
import { UnknownScopeError } from '../unknown-scope-error.ts';

const MEGABYTE = 1024 * 1024;

// #region tell
const members = new Set<Send>();

async function tell(data: string): Promise<void> {
  for (const send of members) await send({ type: 'websocket.send', data });
}
// #endregion tell

export const app: AsyncApp = async (scope, receive, send) => {
  if (scope.type !== 'websocket') throw new UnknownScopeError(scope.type);
  await send({ type: 'websocket.accept' });
  members.add(send);
  while ((await receive()).type !== 'websocket.disconnect');
  members.delete(send);
};

async function tick(): Promise<void> {
  for (let number = 1; ; number++) {
    // Without `ref`, it keeps no server alive that was told to stop.
    await wait(500, undefined, { ref: false });
    // After the number come spaces, so that buffers are soon full.
    await tell(`tick ${number}`.padEnd(MEGABYTE)).catch(() => undefined);
  }
}

tick().catch((error: unknown) => console.error(error));
