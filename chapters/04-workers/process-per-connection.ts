/**
 * A process for each connection: start one, hand the socket over, and wait until the process is gone.
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
  // TODO 4.3  Fork SCRIPT, with an `ipc` channel and no stdin. Register the child with `context.add`: `finish` sends it
  //           the message of that name, `kill` sends SIGKILL. When it reports `served`, count that in the object that
  //           `add` returned; when it asks for `stats`, answer with what `context.stats()` resolves to. Send it a
  //           ConnectionMessage with the socket, and keep your copy of the socket (`keepOpen`): otherwise Node lets go
  //           of it only when the child has confirmed. The child is gone at `close`, perhaps before it had the socket,
  //           or because it could not be started at all. Then destroy your copy, call `context.remove`, and resolve. Do
  //           not send messages to a child that is not `connected`. Its `error` goes to `context.onError`.
  throw new NotImplemented('4.3');
}
// endregion

export const processPerConnection: Design = perConnection(serveInProcess);
