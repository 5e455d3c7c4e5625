/**
 * A thread for each connection: start one, and carry bytes back and forth between it and the socket.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import type { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

import type { Design } from './design.ts';
import { perConnection } from './per-connection.ts';
import type { PerConnectionContext } from './per-connection.ts';
import type { FromConnection, ToConnection } from './relay-messages.ts';

const SCRIPT = new URL('./connection-thread.ts', import.meta.url);

/** Serves a connection in a thread of its own. Resolves when that thread is gone. */
function serveInThread(socket: Socket, context: PerConnectionContext): Promise<void> {
  return new Promise((resolve) => {
    const thread = new Worker(SCRIPT, { workerData: context.app });
    const tell = (message: ToConnection): void => thread.postMessage(message);
    const worker = context.add({
      kind: 'thread',
      id: thread.threadId,
      finish: () => tell({ type: 'finish' }),
      kill: () => void thread.terminate().catch(context.onError),
    });
    thread.on('message', (message: FromConnection) => {
      if (message.type === 'served') worker.served++;
      else if (message.type === 'stats') context.stats().then((stats) => tell({ type: 'stats', stats })).catch(context.onError);
      else carry(message, socket, tell);
    });
    thread.once('error', context.onError);
    thread.once('exit', () => {
      // If the thread has died, the client must not wait for an answer.
      socket.destroy();
      context.remove(worker);
      resolve();
    });
    relay(socket, tell);
    socket.once('close', () => void thread.terminate().catch(context.onError));
  });
}

// region relay
/** From the socket to the thread. Nothing is read before the thread asks for it. */
function relay(socket: Socket, tell: (message: ToConnection) => void): void {
  // TODO 4.5  A chunk: pause the socket, and send the chunk to the thread, in a buffer that holds nothing else. (All of
  //           `bytes.buffer` goes with it, so make a copy.) The end: tell the thread. The socket comes to you paused,
  //           and stays so until the thread asks for more.
  throw new NotImplemented('4.5');
}

/** From the thread to the socket. */
function carry(message: FromConnection, socket: Socket, tell: (message: ToConnection) => void): void {
  // TODO 4.5  `read`: the thread takes more, so resume the socket. `write`: write it to the socket, and send `written`
  //           back when the kernel has it. `end`: end our side; the client may still send. `destroy`: destroy the
  //           socket once everything that was written has gone. The other messages are not for this function.
  throw new NotImplemented('4.5');
}
// endregion

export const threadPerConnection: Design = perConnection(serveInThread);
