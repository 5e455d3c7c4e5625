/**
 * Many connections that have been served once and are idle now. Run as a process of its own; prints `ready` when all
 * of them are, and ends them when its input ends.
 *
 *     node idle-connections.ts ORIGIN COUNT
 */

import { connect } from 'node:net';

const [origin = '', count = '0'] = process.argv.slice(2);
const { hostname, port } = new URL(origin);
/** How many are opened at a time: as many as a server's backlog takes. */
const AT_ONCE = 200;
const request = `GET / HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`;

function open(): Promise<void> {
  return new Promise((resolve, reject) => {
    // 127.0.0.1 alone has 28,000 ports to connect from: enough for this.
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(request));
    socket.once('data', () => resolve());
    socket.once('error', reject);
  });
}

for (let opened = 0; opened < Number(count); opened += AT_ONCE) {
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, Number(count) - opened) }, open));
}
console.log('ready');
process.stdin.resume().once('end', () => process.exit(0));
