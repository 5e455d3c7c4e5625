/** Three requests in the pipeline, the first one slow: `npx tsx chapters/02-http/steps/head-of-line.ts`. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';

// #region server
const server = createServer((request, response) => {
  const answer = (): void => void response.end(`${request.url}\n`);
  if (request.url === '/slow') setTimeout(answer, 500);
  else answer();
});
// #endregion server
await once(server.listen(0, '127.0.0.1'), 'listening');
const { port } = server.address() as AddressInfo;

/** Sends these requests at once on one connection, and tells when each reply comes. */
async function pipeline(...targets: string[]): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const startMs = performance.now();
  socket.write(targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(''));
  for (let left = targets.length; left > 0; ) {
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    for (const [target] of bytes.toString().matchAll(/^\/\w+$/gm)) {
      console.log(`  ${target!.padEnd(6)} after ${Math.round((performance.now() - startMs) / 50) * 50} ms`);
      left--;
    }
  }
  socket.destroy();
}

console.log('one connection:');
await pipeline('/slow', '/fast', '/fast');
console.log('a connection for each:');
await Promise.all([pipeline('/slow'), pipeline('/fast'), pipeline('/fast')]);
server.close();
