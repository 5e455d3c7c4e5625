/** A server whose handler waits as a synchronous database driver does: `npx tsx chapters/04-workers/steps/blocking.ts 8040`. */
import { createServer } from 'node:http';

const clock = new Int32Array(new SharedArrayBuffer(4));
const startedMs = performance.now();

// #region server
/** Asks a database that is not there: half a second, in which this thread does nothing else. */
function query(): void {
  Atomics.wait(clock, 0, 0, 500);
}

const server = createServer((req, res) => {
  if (req.url === '/slow') query();
  res.end('Hello, world!\n');
});
// #endregion server

server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 8040) }, () => console.log('listening on', server.address()));
process.on('SIGINT', () => {
  const { user, system } = process.cpuUsage();
  console.log(`alive for ${Math.round((performance.now() - startedMs) / 1000)} s, computing for ${((user + system) / 1e6).toFixed(1)} s`);
  process.exit();
});
