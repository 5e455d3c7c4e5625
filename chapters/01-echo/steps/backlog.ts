/** A server that listens and never gets to accept: `npx tsx chapters/01-echo/steps/backlog.ts`. */
import { fork } from 'node:child_process';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

if (process.argv[2] === undefined) {
  // #region blocked
  const server = createServer(() => console.log('server: a connection!'));
  server.listen({ host: '127.0.0.1', port: 0, backlog: 3 }, () => {
    fork(import.meta.filename, [String((server.address() as AddressInfo).port)]); // Ten clients.
    const until = Date.now() + 2000;
    while (Date.now() < until); // Two seconds in which the event loop does not turn.
    console.log('server: the loop turns again');
    server.close();
  });
  // #endregion blocked
} else {
  const port = Number(process.argv[2]);
  let established = 0;
  let refused = 0;
  const sockets = Array.from({ length: 10 }, () =>
    connect({ host: '127.0.0.1', port })
      .on('connect', () => established++)
      .on('error', () => refused++),
  );
  setTimeout(() => {
    console.log(`clients: ${established} of 10 connected, ${refused} refused, ${10 - established - refused} still trying`);
    for (const socket of sockets) if (socket.connecting) socket.destroy();
  }, 800);
  setTimeout(() => process.exit(), 2500);
}
