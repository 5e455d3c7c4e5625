/**
 * A control: each worker listens with a socket of its own (SO_REUSEPORT), so each has an accept queue of its own, and
 * what waits in it dies with the worker. On SIGHUP, new workers, and when they all listen an end of the old ones.
 * `node reload-reuseport.ts PORT WORKERS`
 */

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

import { createReloadServer } from './reload-node.ts';

const [port, workers] = process.argv.slice(2).map(Number);

async function startAll(): Promise<ChildProcess[]> {
  const children = Array.from({ length: workers! }, () => fork(import.meta.filename, process.argv.slice(2)));
  await Promise.all(children.map((child) => once(child, 'message')));
  return children;
}

if (process.send === undefined) {
  let old = await startAll();
  process.on('SIGHUP', () => {
    startAll().then((fresh) => {
      for (const child of old) child.kill();
      old = fresh;
      console.log('the old workers are told');
    }).catch((error: unknown) => console.error(error));
  });
} else {
  process.on('disconnect', () => process.exit());
  createReloadServer().listen({ port, host: '127.0.0.1', backlog: 511, reusePort: true }, () => process.send!('listening'));
}
