/** A server that listens and never gets to accept: `npx tsx chapters/01-echo/steps/backlog.ts`. */
import { spawnSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/** How long nothing must happen before the other clients count as still trying. The server is blocked all that time. */
const QUIET_MS = 500;

if (process.argv[2] === undefined) {
  // #region blocked
  const server = createServer(() => console.log('server: a connection!'));
  server.listen({ host: '127.0.0.1', port: 0, backlog: 3 }, () => {
    const { port } = server.address() as AddressInfo;
    // Ten clients, in another process. Until it has ended, our event loop does not turn.
    spawnSync(process.execPath, [...process.execArgv, import.meta.filename, String(port)], { stdio: 'inherit' });
    console.log('server: the loop turns again');
    server.close();
  });
  // #endregion blocked
} else {
  const port = Number(process.argv[2]);
  let connected = 0;
  let refused = 0;
  const report = setTimeout(() => {
    console.log(`clients: ${connected} of 10 connected, ${refused} refused, ${10 - connected - refused} still trying`);
    process.exit();
  }, QUIET_MS);
  for (let client = 0; client < 10; client++) {
    connect({ host: '127.0.0.1', port })
      .on('connect', () => {
        connected++;
        report.refresh();
      })
      .on('error', () => {
        refused++;
        report.refresh();
      });
  }
}
