/** node:cluster, with what is often written for a reload: `npx tsx chapters/07-prefork/steps/cluster.ts PORT`. */
import cluster from 'node:cluster';

// #region cluster
if (cluster.isPrimary) {
  cluster.fork();
  cluster.fork();
  cluster.on('exit', () => cluster.fork());
  process.on('SIGHUP', () => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.kill();
  });
} else {
  const { app } = await import('./shop.ts');
  app.listen(Number(process.argv[2]), '127.0.0.1');
}
// #endregion cluster

let listening = 0;
cluster.on('listening', () => ++listening === 2 && console.log(`two workers of ${process.pid} listen`));
