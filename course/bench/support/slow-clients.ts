/**
 * Many clients that take a large file slowly. Run as a process of its own; prints `ready` when all of them have
 * something, and ends when its input ends; exits with 1 if one of them fails.
 *
 *     node slow-clients.ts URL COUNT
 */

import { connect } from 'node:net';

const [url = '', count = '0'] = process.argv.slice(2);
const { hostname, port, pathname } = new URL(url);
/** Each reads what has arrived, then nothing for so long. */
const PAUSE_MS = 200;

function download(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) }, () => {
      socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
    });
    socket.on('data', () => {
      resolve();
      socket.pause();
      setTimeout(() => socket.resume(), PAUSE_MS);
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('a download has ended too early')));
  });
}

try {
  await Promise.all(Array.from({ length: Number(count) }, download));
  console.log('ready');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
process.stdin.resume().once('end', () => process.exit(0));
