/** node:http in node:cluster: `prefork-cluster.ts WORKERS`. */

import cluster from 'node:cluster';
import { createServer } from 'node:http';

import { announce, hello } from './routes.ts';

if (cluster.isPrimary) {
  let listening = 0;
  const workers = Number(process.argv[2]);
  cluster.on('listening', (_worker, { port }) => {
    if (++listening === workers) announce(port);
  });
  for (let number = 0; number < workers; number++) cluster.fork();
} else {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': hello.length }).end(hello);
  });
  server.listen(0, '127.0.0.1', 511);
}
