/**
 * Sends everybody who is there the same message, twice a second, and waits for each of them:
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
    // With `ref: false`, it does not keep a server alive that was told to stop.
    await wait(500, undefined, { ref: false });
    // The spaces after the number fill buffers quickly.
    await tell(`tick ${number}`.padEnd(MEGABYTE)).catch(() => undefined);
  }
}

tick().catch((error: unknown) => console.error(error));
