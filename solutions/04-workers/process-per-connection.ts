/**
 * A process for each connection: start one, hand the socket over, and wait until the process is gone.
 */

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
  return new Promise((resolve) => {
    const child = fork(SCRIPT, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    // If the child is just ending, the message is lost, which is not an error: `close` follows.
    const tell = (message: ConnectionMessage): void => void (child.connected && child.send(message, () => {}));
    const finish = (): void => tell({ type: 'finish' });
    const worker = context.add({ kind: 'process', id: child.pid ?? 0, finish, kill: () => child.kill('SIGKILL') });
    child.on('message', (report: ProcessReport) => {
      if (report === 'served') worker.served++;
      else context.stats().then((stats) => tell({ type: 'stats', stats })).catch(context.onError);
    });
    child.once('error', context.onError);
    child.once('close', () => {
      // The connection ends with its process, even one that never had the socket or was never started.
      socket.destroy();
      context.remove(worker);
      resolve();
    });
    const message: ConnectionMessage = { type: 'connection', settings: context.app };
    // The child gets a copy. Ours is not read, and is kept until the child is gone. A failure here ends in `close`.
    if (child.connected) child.send(message, socket, { keepOpen: true }, () => {});
  });
}
// endregion

export const processPerConnection: Design = perConnection(serveInProcess);
