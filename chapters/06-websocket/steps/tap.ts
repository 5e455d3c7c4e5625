/**
 * Sits between a client and a server, and shows every byte:
 * `npx tsx chapters/06-websocket/steps/tap.ts PORT SERVER_PORT`.
 *
 * Of what begins like HTTP, only the first line is shown.
 */
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { hexLines } from './hex.ts';

const [port, serverPort] = process.argv.slice(2).map(Number);

function show(from: Socket, to: Socket, arrow: string): void {
  from.on('data', (bytes: Buffer) => {
    const line = /^(?:GET|HTTP).*/.exec(bytes.toString('latin1'))?.[0];
    console.log(line === undefined ? hexLines(bytes, arrow) : `${arrow} ${line}`);
    to.write(bytes);
  });
  from.on('end', () => {
    console.log(`${arrow} (end)`);
    to.end();
  });
  from.on('error', () => to.destroy());
}

createServer({ allowHalfOpen: true }, (client) => {
  const server = connect({ host: '127.0.0.1', port: serverPort!, allowHalfOpen: true });
  show(client, server, '→');
  show(server, client, '←');
}).listen(port, '127.0.0.1', () => console.log(`listening on ${port}, for ${serverPort}`));
