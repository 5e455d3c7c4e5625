/** Node's own server. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { announce, collectGarbage, hello, large } from './routes.ts';

const server = createServer((request, response) => {
  const answer = (body: string | Buffer): void => {
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length });
    response.end(body);
  };
  switch (request.url) {
    case '/': return answer(hello);
    case '/large': return answer(large);
    case '/gc': return answer(collectGarbage());
    case '/sink': {
      let length = 0;
      request.on('data', (part: Buffer) => (length += part.length));
      request.on('end', () => answer(String(length)));
      return;
    }
    default: return void response.writeHead(404).end();
  }
});
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', 511, () => announce((server.address() as AddressInfo).port));
