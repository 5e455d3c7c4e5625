/**
 * node:cluster by the usual recipe: on SIGHUP a new worker for each old one, and when it listens the old one is
 * disconnected. One that dies is replaced. `node reload-cluster.ts PORT WORKERS [EXIT_AFTER]`; with EXIT_AFTER, a
 * worker ends itself after that many requests, whatever it is doing: a control.
 */

import cluster from 'node:cluster';
import type { Worker } from 'node:cluster';
import { once } from 'node:events';

import { createReloadServer } from './reload-node.ts';

/** The same for all servers of the ledger. */
const GRACEFUL_MS = 5_000;
const [port, workers, exitAfter = 0] = process.argv.slice(2).map(Number);

async function replace(old: Worker): Promise<void> {
  await once(cluster.fork(), 'listening');
  const timer = setTimeout(() => old.kill('SIGKILL'), GRACEFUL_MS);
  old.once('exit', () => clearTimeout(timer));
  old.disconnect();
}

if (cluster.isPrimary) {
  let reloading = Promise.resolve();
  for (let number = 0; number < workers!; number++) cluster.fork();
  cluster.on('exit', (worker) => {
    if (!worker.exitedAfterDisconnect) cluster.fork();
  });
  process.on('SIGHUP', () => {
    reloading = reloading
      .then(async () => void await Promise.all(Object.values(cluster.workers ?? {}).filter((worker) => worker?.isConnected()).map((worker) => replace(worker!))))
      .catch((error: unknown) => console.error(error));
  });
} else {
  let requests = 0;
  createReloadServer()
    .on('request', () => {
      if (++requests === exitAfter) process.exit(1);
    })
    .listen(port, '127.0.0.1', 511);
}
