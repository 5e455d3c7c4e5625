/** An hour of a page that asks every second whether there is news: `npx tsx chapters/06-websocket/steps/poll.ts`. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';

const SECONDS = 3600;
const NEWS = '{"name":"ann","text":"Anybody there?"}';

// #region server
let asked = 0;
const server = createServer((_request, response) => {
  asked++;
  if (asked === 1800) response.end(NEWS);
  else response.writeHead(204).end();
});
// #endregion server
await once(server.listen(0, '127.0.0.1'), 'listening');
const { port } = server.address() as AddressInfo;

/** What Chromium sends for `fetch('/news?since=41')`. */
const request = [
  'GET /news?since=41 HTTP/1.1',
  `Host: 127.0.0.1:${port}`,
  'Connection: keep-alive',
  'sec-ch-ua-platform: "Linux"',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
  'sec-ch-ua: "Not:A-Brand";v="8", "Chromium";v="156"',
  'Accept-Language: en-GB',
  'sec-ch-ua-mobile: ?0',
  'Accept: */*',
  'Sec-Fetch-Site: same-origin',
  'Sec-Fetch-Mode: cors',
  'Sec-Fetch-Dest: empty',
  `Referer: http://127.0.0.1:${port}/`,
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Cookie: session=0c9fb3a1c1f04f8ab07a7d1f6f0d5b9e',
  '\r\n',
].join('\r\n');

// An hour goes by quickly: we do not wait for the seconds to pass.
const socket = connect({ host: '127.0.0.1', port });
for (let second = 0; second < SECONDS; second++) {
  socket.write(request);
  await once(socket, 'data');
}
const bytes = (count: number): string => count.toLocaleString('en').padStart(9);
console.log(`asked ${asked} times ${bytes(socket.bytesWritten)} bytes`);
console.log(`answers          ${bytes(socket.bytesRead)} bytes`);
console.log(`news             ${bytes(NEWS.length)} bytes`);
socket.destroy();
server.close();
