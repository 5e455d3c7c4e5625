/**
 * A process for each connection: start one, hand the socket over, and forget about it until it has gone.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { fork } from 'node:child_process';
import type { Socket } from 'node:net';

import type { ConnectionMessage, ProcessReport } from './connection-process.ts';
import type { Design } from './design.ts';
import { perConnection } from './per-connection.ts';
import type { PerConnectionContext } from './per-connection.ts';

const SCRIPT = new URL('./connection-process.ts', import.meta.url);

// region serve
/** Serves a connection in a process of its own. Resolves when that process is gone. */
function serveInProcess(socket: Socket, context: PerConnectionContext): Promise<void> {
  // TODO 4.3  Fork SCRIPT, with an `ipc` channel and no stdin. `context.add` it: `finish` tells it so, `kill` is
  //           SIGKILL. Of its reports, `served` counts in what `add` returned, and `stats` is answered by what
  //           `context.stats()` resolves to. Send it a ConnectionMessage with the socket, and keep your copy
  //           (`keepOpen`): Node would let go of it only when the child has confirmed. When the child is gone
  //           (`close`), perhaps before it had the socket, or because it could not be started at all, destroy your
  //           copy, `context.remove` the child, and resolve. A child that is not `connected` is told nothing. Its
  //           `error` goes to `context.onError`.
  throw new NotImplemented('4.3');
}
// endregion

export const processPerConnection: Design = perConnection(serveInProcess);
