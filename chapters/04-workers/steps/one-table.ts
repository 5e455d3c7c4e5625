/** Two threads, one listening descriptor: `npx tsx chapters/04-workers/steps/one-table.ts`. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

if (isMainThread) {
  const server = createServer((socket) => socket.end()).listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const fd = (server as unknown as { _handle: { fd: number } })._handle.fd;
  const knock = async (): Promise<string> => {
    const socket = connect({ host: '127.0.0.1', port });
    return await Promise.race([
      once(socket, 'connect').then(() => 'connected'),
      new Promise<string>((resolve) => socket.on('error', (error) => resolve(error.message))),
    ]);
  };
  console.log(`the main thread listens on descriptor ${fd}:`, await knock());
  const thread = new Worker(new URL(import.meta.url), { workerData: fd });
  await once(thread, 'message');
  console.log('a thread listens on it, too:', await knock());
  thread.postMessage('close yours');
  await once(thread, 'exit');
  console.log('the thread has closed its server:', await knock());
  console.log('and what does the main thread say?', server.listening ? 'I am listening' : 'I have been closed');
  process.exit();
} else {
  // #region thread
  const server = createServer((socket) => socket.end());
  server.listen({ fd: workerData as number }, () => parentPort!.postMessage('listening'));
  parentPort!.once('message', () => server.close());
  // #endregion thread
}
