import { createHash } from 'node:crypto';
import { count, showBytes } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type driver from './driver.ts';

/** Less than Node reads, and than a socket queues, in one go (64 KiB). */
const UNDER_WAY_BYTES = 28_000;

exercise<typeof driver>('1.1', import.meta.url, (rule) => {
  rule(
    'sends-back-what-came',
    'sends back the bytes that a client sends',
    {
      rule: 'an echo server returns the data that it receives (RFC 862)',
      likely: "nothing writes to the socket when 'data' comes",
    },
    async ({ call, connect, settle, random }) => {
      const client = await connect(await call('startEcho'));
      await settle();
      await client.expectNoMoreThan(0, {
        expected: 'nothing: this client has not said anything yet',
        likely: 'a greeting or a prompt is written when the client connects',
      });
      const text = `${random.words(3)}\n`;
      client.write(text);
      await client.expectBytes(text);
      await client.expectNoMoreThan(text.length, { likely: 'something is added to the echo, or it is sent twice' });
    },
  );

  rule(
    'answers-each-time',
    'goes on answering on the same connection, even a single byte',
    {
      rule: 'the connection stays open for the next bytes, however few',
      likely: "the connection is ended after the first answer, or only the first 'data' is listened to",
    },
    async ({ call, connect, random }) => {
      const client = await connect(await call('startEcho'));
      // Plain text in whole lines: other rules check what else an echo can get wrong.
      let all = '';
      for (const words of [0, 1, 0, 0, random.integer(2, 60)]) {
        const text = `${random.words(words)}\n`;
        all += text;
        client.write(text);
        await client.expectBytes(all);
      }
    },
  );

  rule(
    'answers-at-once',
    'answers before the client has finished sending, without waiting for a newline or for more',
    {
      rule: 'TCP has no messages: what has arrived is echoed, whether or not more follows',
      likely: 'the server collects until a newline, a size or the end of the stream',
    },
    async ({ call, connect, random }) => {
      const client = await connect(await call('startEcho'));
      const bytes = Buffer.from(random.word(8, 14));
      for (let sent = 1; sent <= bytes.length; sent++) {
        client.write(bytes.subarray(sent - 1, sent));
        await client.expectBytes(bytes.subarray(0, sent));
      }
    },
  );

  rule(
    'keeps-every-byte',
    'returns binary bytes unchanged, all 256 values of them',
    {
      rule: 'a TCP stream carries bytes, not text: each comes back as it was',
      likely: 'the bytes are turned into a string on the way (setEncoding, toString): those that are not UTF-8 are lost',
    },
    async ({ call, connect, random }) => {
      const client = await connect(await call('startEcho'));
      const every = Buffer.from(random.shuffle(Array.from({ length: 256 }, (_, value) => value)));
      const bytes = Buffer.concat([every, random.bytes(random.integer(1000, 3000))]);
      client.write(bytes);
      await client.expectBytes(bytes);
    },
  );

  rule(
    'adds-nothing',
    'sends nothing of its own: no greeting, no extra byte',
    {
      rule: 'an echo server returns the data that it receives and nothing else (RFC 862)',
      likely: 'a greeting or a prompt is written when the client connects',
    },
    async ({ call, connect, settle, random }) => {
      const client = await connect(await call('startEcho'));
      await settle();
      await client.expectNoMoreThan(0);
      const bytes = random.bytes(random.integer(20, 60));
      client.write(bytes);
      await client.expectBytes(bytes);
      await client.expectNoMoreThan(bytes.length);
    },
  );

  rule(
    'survives-an-empty-client',
    'serves the next client after one that said nothing and left',
    {
      rule: 'a connection that carries no byte is a connection like any other',
      likely: "the first 'end' or 'close' closes the server",
    },
    async ({ call, connect, settle, random }) => {
      const server = await call('startEcho');
      const empty = await connect(server, { label: 'first client' });
      empty.end();
      // Whether a FIN comes back is exercise 1.3.
      await settle();
      empty.destroy();
      await settle();
      check(empty.receivedBytes === 0, {
        sent: 'no byte, then FIN',
        received: showBytes(empty.received),
        expected: 'no byte',
      });
      const next = await connect(server, { label: 'second client' });
      const bytes = random.bytes(10);
      next.write(bytes);
      await next.expectBytes(bytes);
    },
  );

  rule(
    'carries-8-MiB',
    'returns 8 MiB in order, whatever pieces they come in',
    {
      rule: 'nothing is lost, repeated or reordered, whatever the size',
      likely: 'pieces are dropped, sent twice, or answered out of order',
    },
    async ({ call, connect, random }) => {
      const client = await connect(await call('startEcho'), { label: 'client that reads all the time' });
      const bytes = random.bytes(8 << 20);
      const report = { expected: '8 MiB back' };
      let sent = 0;
      for (const piece of random.pieces(bytes, 20_000)) {
        client.write(piece);
        sent += piece.length;
        // Never more under way than the server's kernel takes at once: a server
        // that cannot write is the subject of exercise 1.4.
        await client.until(() => sent - client.receivedBytes <= UNDER_WAY_BYTES, report);
      }
      await client.read(bytes.length, report);
      await client.expectNoMoreThan(bytes.length);
      const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex').slice(0, 16);
      const received = client.received;
      check(digest(received.subarray(0, bytes.length)) === digest(bytes), {
        kind: 'wrong bytes',
        sent: `8 MiB with the SHA-256 ${digest(bytes)}…`,
        received: `${count(received.length, 'byte')} with the SHA-256 ${digest(received)}…`,
        expected: 'the same bytes',
      });
    },
  );
});
