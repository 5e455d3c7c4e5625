/** The hostile client against servers of this process, which note what they see. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { serverThat, withSubject } from '#support/fixtures/evil.ts';
import { CheckFailure } from '#support/failure.ts';
import type { FailureReport } from '#support/failure.ts';
import { TcpClient } from '#support/tcp-client.ts';
import type { Address, TcpClientOptions } from '#support/tcp-client.ts';

/** Bytes that come back with what is known of their cuts: the length of each read. */
const READS = serverThat(`
  socket.on('data', (bytes) => socket.write(bytes.length + ','));
  socket.on('end', () => socket.end('fin'));
  socket.on('error', () => {});`).replace('createServer(', 'createServer({ allowHalfOpen: true }, ');

async function withClient<T>(source: string, work: (client: TcpClient) => Promise<T>, options: TcpClientOptions = {}): Promise<T> {
  return await withSubject(source, async (subject) => {
    const client = new TcpClient(subject, (await subject.call('start', [])) as Address, options);
    try {
      return await work(await client.connected());
    } finally {
      client.destroy();
    }
  });
}

async function failureOf(work: Promise<unknown>): Promise<FailureReport> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof CheckFailure) return error.report;
  throw new Error(`a CheckFailure was expected, not ${String(error)}`);
}

describe('what the server sees', () => {
  test('one write is one read', async () => {
    await withClient(READS, async (client) => {
      client.write('hello');
      await client.expectBytes('5,');
    });
  });

  test('byte by byte means one byte in each read', async () => {
    await withClient(READS, async (client) => {
      await client.writeByteByByte('hello');
      await client.expectBytes('1,1,1,1,1,');
    });
  });

  test('split means two reads, cut at the boundary', async () => {
    await withClient(READS, async (client) => {
      await client.writeSplit('hello', 2);
      await client.expectBytes('2,3,');
    });
  });

  test('a split at either end is one read', async () => {
    await withClient(READS, async (client) => {
      await client.writeSplit('hello', 0);
      await client.writeSplit('hello', 5);
      await client.expectBytes('5,5,');
    });
  });

  test('a half-closed client still reads', async () => {
    await withClient(READS, async (client) => {
      client.write('abc').end();
      expect((await client.readToEnd()).toString()).toBe('3,fin');
    });
  });
});

describe('what the server does', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  test('a reset is seen as a reset', async () => {
    const seen = new Promise<string>((resolve) => {
      server = createServer((socket: Socket) => socket.resume().on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code))));
    });
    server?.listen(0, '127.0.0.1');
    await once(server as Server, 'listening');
    await withSubject(READS, async (subject) => {
      const { port } = server?.address() as AddressInfo;
      const client = await new TcpClient(subject, { host: '127.0.0.1', port }).connected();
      client.resetNow();
      expect(await seen).toBe('ECONNRESET');
    });
  });

  test('a client that does not read takes nothing in', async () => {
    const flood = serverThat('socket.on("error", () => {}); socket.write(Buffer.alloc(16 << 20));');
    await withClient(
      flood,
      async (client) => {
        expect(client.receivedBytes).toBe(0);
        client.resume();
        await client.read(16 << 20);
        expect(client.receivedBytes).toBe(16 << 20);
      },
      { paused: true },
    );
  });

  test('a refused connection is told apart from one that is closed', async () => {
    await withSubject(READS, async (subject) => {
      const taken = createServer();
      taken.listen(0, '127.0.0.1');
      await once(taken, 'listening');
      const { port } = taken.address() as AddressInfo;
      await new Promise((resolve) => taken.close(resolve));
      await subject.ready();
      const report = await failureOf(new TcpClient(subject, { host: '127.0.0.1', port }).connected());
      expect(report).toMatchObject({ kind: 'closed early', received: 'the connection was refused (ECONNREFUSED)' });
    });
  });
});

describe('what a failure tells', () => {
  test('what was sent, what came, and where they part', async () => {
    await withClient(READS, async (client) => {
      client.write('hello\r\n');
      expect(await failureOf(client.expectBytes('8,'))).toMatchObject({
        kind: 'wrong bytes',
        sent: 'hello␍␊',
        received: '7,',
        mark: '^',
        expected: expect.stringMatching(/^8,/) as string,
      });
    });
  });

  test('a byte too many', async () => {
    await withClient(READS, async (client) => {
      client.write('hello');
      expect(await failureOf(client.expectNoMoreThan(1))).toMatchObject({ kind: 'wrong bytes', received: '5,', mark: ' ^' });
    });
  });

  test('that too little came, and what it was', async () => {
    await withClient(READS, async (client) => {
      client.write('hello');
      expect(await failureOf(client.read(3))).toMatchObject({ kind: 'silent', received: '5,, then nothing more', expected: '3 bytes' });
    });
  });

  test('that the end never came', async () => {
    await withClient(serverThat('socket.resume()').replace('createServer(', 'createServer({ allowHalfOpen: true }, '), async (client) => {
      client.end();
      expect(await failureOf(client.readToEnd())).toMatchObject({ kind: 'silent', sent: 'nothing FIN' });
    });
  });

  test('which client it was, where there are several', async () => {
    await withClient(
      READS,
      async (client) => {
        client.write('x');
        expect((await failureOf(client.expectBytes('9,'))).sent).toBe('second client: x');
      },
      { label: 'second client' },
    );
  });
});
