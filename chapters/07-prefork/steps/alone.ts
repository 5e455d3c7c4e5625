/** One process, one fault, and everyone is out: `npx tsx chapters/07-prefork/steps/alone.ts`. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

// #region server
/** A report takes its time, and is sent page by page. One path has a fault. */
const server = createServer((req, res) => {
  if (req.url === '/bug') setImmediate(() => JSON.parse('{ "price": '));
  else res.write('the first page\n');
});
// #endregion server

class Client {
  readonly path: string;
  readonly #socket: Socket;
  #text = '';
  readonly #ended: Promise<string>;

  constructor(port: number, path: string) {
    this.path = path;
    this.#socket = connect({ host: '127.0.0.1', port }, () => this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`));
    this.#socket.on('data', (bytes) => (this.#text += String(bytes)));
    this.#ended = new Promise((resolve) => {
      this.#socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(String(code)));
      this.#socket.once('close', () => resolve('closed'));
    });
  }

  async firstPage(): Promise<void> {
    while (!this.#text.includes('the first page')) await once(this.#socket, 'data');
  }

  async tell(): Promise<void> {
    const end = await this.#ended;
    console.log(`${this.path.padEnd(8)} ${this.#text === '' ? '' : 'the first page, then '}${end}`);
  }
}

if (process.send !== undefined) {
  server.listen({ host: '127.0.0.1', port: 0 }, () => process.send!((server.address() as AddressInfo).port));
} else {
  const child = fork(fileURLToPath(import.meta.url), { execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const [port] = (await once(child, 'message')) as [number];
  const clients = ['/report', '/report', '/report'].map((path) => new Client(port, path));
  for (const client of clients) await client.firstPage();
  clients.push(new Client(port, '/bug'));
  const [code] = await once(child, 'close');
  for (const client of clients) await client.tell();
  await new Client(port, '/report').tell();
  console.log(`the server has ended with exit code ${code}`);
}
