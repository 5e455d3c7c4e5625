/** What happens to writes on their way: `npx tsx chapters/01-echo/steps/chunks.ts`. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

// #region server
const server = createServer((socket) => {
  socket.on('data', (bytes) => {
    console.log(`${bytes.length} bytes: ${JSON.stringify(bytes.toString().slice(0, 24))}`);
  });
});
// #endregion server
const peers: Socket[] = [];
server.on('connection', (peer) => peers.push(peer));
server.listen({ host: '127.0.0.1', port: 0 });
await once(server, 'listening');
const socket = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, noDelay: true });
await Promise.all([once(socket, 'connect'), once(server, 'connection')]);

/** Resolves when the server has received all that was written. */
async function rest(): Promise<void> {
  const [peer] = peers as [Socket];
  while (peer.bytesRead < socket.bytesWritten) await once(peer, 'data');
}

// #region writes
console.log('three writes');
socket.write('one\n');
socket.write('two\n');
socket.write('three\n');
await rest();

console.log('one write of 150,000 bytes');
socket.write('x'.repeat(150_000));
await rest();

console.log('two writes, cut inside the ü, as a network may cut them');
const bytes = Buffer.from('grüße\n');
socket.write(bytes.subarray(0, 3));
await rest();
socket.write(bytes.subarray(3));
await rest();
// #endregion writes
socket.destroy();
server.close();
