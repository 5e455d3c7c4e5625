/**
 * A thread for each connection: start one, and carry bytes back and forth between it and the socket.
 */

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
  socket.on('data', (chunk: Buffer) => {
    socket.pause();
    tell({ type: 'data', bytes: Uint8Array.from(chunk) });
  });
  socket.once('end', () => tell({ type: 'end' }));
}

/** From the thread to the socket. */
function carry(message: FromConnection, socket: Socket, tell: (message: ToConnection) => void): void {
  if (message.type === 'read') socket.resume();
  else if (message.type === 'write') socket.write(message.bytes, () => tell({ type: 'written' }));
  else if (message.type === 'end') socket.end();
  else if (message.type === 'destroy') socket.destroySoon();
}
// endregion

export const threadPerConnection: Design = perConnection(serveInThread);
