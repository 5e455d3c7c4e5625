import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';

import { answerBody } from './answer.ts';
import { Books } from './books.ts';
import type { Totals } from './books.ts';
import { Clients } from './clients.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that treats its first connection in one way and all others as it should. */
async function serverThat(first: (socket: Socket, answer: string) => void): Promise<number> {
  let connections = 0;
  const server = createServer((socket) => {
    const number = ++connections;
    socket.on('error', () => undefined).on('data', (data) => {
      const [, id, bytes] = /^GET \/n\/(\d+)\?ms=\d+&bytes=(\d+)/.exec(data.toString())!;
      const body = answerBody(Number(id), Number(bytes));
      const answer = `HTTP/1.1 200 OK\r\nX-Worker: ${number}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      if (number === 1) first(socket, answer);
      else socket.write(answer);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function clientsOf(port: number): Clients {
  return new Clients({
    address: { host: '127.0.0.1', port }, seed: 1, patienceMs: 60_000,
    counts: { 'new connection': 0, 'keep-alive': 0, WebSocket: 0, 'event stream': 0 },
  });
}

/** What becomes of one request. */
async function oneRequest(port: number): Promise<{ totals: Totals; clients: Clients }> {
  const clients = clientsOf(port);
  const { ended } = clients.burst(1, 1);
  return { totals: await ended, clients };
}

describe('a request of the ledger', () => {
  test('that is answered is not lost', async () => {
    const { totals } = await oneRequest(await serverThat((socket, answer) => void socket.write(answer)));
    expect(totals).toMatchObject({ sent: 1, answered: 1, lostWithoutRetry: 0, lostWithRetry: 0 });
  });

  test.each([
    ['a reset', (socket: Socket) => void socket.resetAndDestroy()],
    ['a FIN', (socket: Socket) => void socket.end()],
  ])('that gets %s before any byte is lost only without a retry', async (_, first) => {
    const { totals, clients } = await oneRequest(await serverThat(first));
    expect(totals).toMatchObject({ sent: 1, answered: 0, lost: { reset: 1 }, lostWithoutRetry: 1, lostWithRetry: 0 });
    expect(clients.losses).toEqual([]);
  });

  test('that is cut in the middle is lost for good, with the worker that was at it', async () => {
    const { totals, clients } = await oneRequest(await serverThat((socket, answer) => void socket.end(answer.slice(0, -1))));
    expect(totals).toMatchObject({ lost: { cut: 1 }, lostWithoutRetry: 1, lostWithRetry: 1 });
    expect(clients.losses).toEqual([{ kind: 'new connection', failure: 'cut', worker: 1 }]);
  });

  test.each([
    ['another status', (answer: string) => answer.replace('200 OK', '503 Unavailable')],
    ["another request's answer", (answer: string) => answer.replace(/\r\n\r\n\d/, '\r\n\r\n9')],
    ['no HTTP', () => 'hello\r\n'],
  ])('that gets %s is lost for good', async (_, wrong) => {
    const { totals } = await oneRequest(await serverThat((socket, answer) => void socket.end(wrong(answer))));
    expect(totals).toMatchObject({ lost: { wrong: 1 }, lostWithoutRetry: 1, lostWithRetry: 1 });
  });

  test('that is refused is lost for good', async () => {
    const port = await serverThat(() => undefined);
    await new Promise((resolve) => servers.pop()!.close(resolve));
    const { totals } = await oneRequest(port);
    expect(totals).toMatchObject({ lost: { refused: 1 }, lostWithoutRetry: 1, lostWithRetry: 1 });
  });
});

test('books that do not balance are an error', () => {
  const books = new Books();
  const entry = books.enter();
  books.enter().close(null);
  expect(() => books.totals()).toThrow('2 sent, 1 answered, 0 lost');
  entry.failed('reset');
  entry.close('refused');
  expect(books.totals()).toMatchObject({ sent: 2, answered: 1, lost: { reset: 1, refused: 0 }, lostWithoutRetry: 1, lostWithRetry: 1 });
  expect(() => entry.close(null)).toThrow('ended twice');
});
