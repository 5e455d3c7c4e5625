/** A static file server in ten lines, on Node's own HTTP: `npx tsx chapters/03-static/steps/leaky.ts 8030 DIRECTORY`. */
// #region server
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const [port, root] = [Number(process.argv[2] ?? 8030), process.argv[3] ?? '.'];
const server = createServer((req, res) => {
  const file = createReadStream(join(root, decodeURIComponent(req.url!)));
  file.on('error', () => res.writeHead(404).end('no such file\n'));
  file.pipe(res);
});
// #endregion server
server.listen({ host: '127.0.0.1', port }, () => console.log('listening on', server.address()));
