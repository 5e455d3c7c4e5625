/** Sends 256 MiB to a client that never reads: `npx tsx chapters/01-echo/steps/chargen.ts careless` or `… careful`. */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

const PIECE = Buffer.alloc(64 << 10, 'x');
const PIECES = 4096;
let taken = 0;

// #region careless
function careless(socket: Socket): void {
  for (; taken < PIECES; taken++) socket.write(PIECE);
}
// #endregion careless

// #region careful
function careful(socket: Socket): void {
  while (taken < PIECES) {
    taken++;
    if (!socket.write(PIECE)) {
      socket.once('drain', () => careful(socket));
      return;
    }
  }
}
// #endregion careful

/** Resolves when the kernel takes no more: `drain` has not come in a hundred turns of the event loop. */
async function whenStuck(socket: Socket): Promise<void> {
  for (let turns = 0; turns < 100; turns++) {
    if (!socket.writableNeedDrain) turns = 0;
    await nextTurn();
  }
}

const server = createServer((socket) => {
  (process.argv[2] === 'careful' ? careful : careless)(socket);
  whenStuck(socket).then(() => {
    const mib = (bytes: number) => `${Math.round(bytes / (1 << 20))} MiB`;
    console.log(`given to write():     ${mib(taken * PIECE.length)}`);
    console.log(`waiting in Node:      ${mib(socket.writableLength)}`);
    console.log(`taken by the kernel:  ${mib(taken * PIECE.length - socket.writableLength)}`);
    process.exit();
  }).catch((error: unknown) => console.error(error));
});
server.listen({ host: '127.0.0.1', port: 0 }, () => {
  connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }).pause();
});
