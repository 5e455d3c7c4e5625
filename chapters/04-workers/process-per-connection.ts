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
  // TODO 4.3  Fork SCRIPT. Announce the worker to the context, with how to finish and how to kill it; listen to its
  //           reports; hand the socket over with a ConnectionMessage. Resolve when the process is gone, and take it
  //           from the context.
  throw new NotImplemented('4.3');
}
// endregion

export const processPerConnection: Design = perConnection(serveInProcess);
