/** The reference alone: what no exercise asks of a learner, but a handler may rely on all the same. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';

import { expect, test } from 'vitest';

import { HttpResponse, serveHttp } from '../../../solutions/02-http/index.ts';

test('a handler that waits for a body is told when the response is complete, though nothing more arrives', async () => {
  let reading: Promise<string> | undefined;
  const server = await serveHttp(async (request) => {
    reading = request.text();
    reading.catch(() => {});
    // What is here has been read by then, and the rest is waited for.
    await new Promise((resolve) => setImmediate(resolve));
    return HttpResponse.text('enough\n');
  });
  const socket = connect((server.address as AddressInfo).port, '127.0.0.1');
  try {
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab');
    await once(socket, 'data');
    await expect(reading).rejects.toThrow('after the response was complete');
    // The connection goes on where the body ends.
    socket.write('cdeGET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const [answer] = await once(socket, 'data') as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /);
  } finally {
    socket.destroy();
    await server.close();
  }
});
