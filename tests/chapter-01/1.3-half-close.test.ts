import { count } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import type { TcpClient } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import { fillUntilQueued, isLetIn, isTurnedAway } from './stall.ts';

/** How long a client is silent, in this exercise, before it sends more. */
const BREAK_MS = 600;

exercise<typeof driver>('1.3', import.meta.url, (rule) => {
  // #region a-rule
  rule(
    'answers-fin-with-fin',
    'ends its own side when everything is echoed',
    {
      rule: 'a side that has nothing more to send says so with a FIN of its own',
      likely: "with allowHalfOpen, nobody but you calls `end`: nothing listens to 'end'",
    },
    async ({ call, connect, random }) => {
      const client = await connect(await call('startEcho'), { label: 'client that sends FIN' });
      const bytes = random.bytes(random.integer(10, 90));
      client.write(bytes);
      await client.expectBytes(bytes);
      client.end();
      await client.readToEnd();
      await client.expectNoMoreThan(bytes.length);
    },
  );
  // #endregion a-rule

  rule(
    'rest-after-fin',
    'returns all that was sent, even though the client has already sent its FIN',
    {
      rule: 'FIN closes one direction: the other stays open until its own FIN (RFC 9293 §3.6)',
      likely: "the server closes when 'end' comes, with bytes still to be written",
    },
    async ({ call, connect, random }) => {
      const server = await call('startEcho');
      for (const most of [10, 1000, 40_000, 40_000]) {
        const client = await connect(server, { label: 'client that sends and half-closes at once' });
        const bytes = random.bytes(random.integer(1, most));
        client.write(bytes).end();
        await client.expectBytes(bytes);
      }
    },
  );

  rule(
    'rest-for-a-late-reader',
    'keeps the rest for a client that half-closes first and reads later',
    {
      rule: 'after FIN in one direction, data still flows in the other (RFC 9293 §3.6)',
      likely: 'allowHalfOpen is off, or `destroy` is called where `end` is meant: what is queued is thrown away',
    },
    async (world) => {
      const client = await world.connect(await world.call('startEcho'), { paused: true, label: 'client that reads after its FIN' });
      const bytes = await fillUntilQueued(world, client);
      client.end();
      await world.settle();
      client.resume();
      await client.expectBytes(bytes, { expected: `${count(bytes.length, 'byte')} back` });
    },
  );

  rule(
    'fin-after-a-late-readers-rest',
    'ends its own side after the rest, for a client that half-closes first and reads later',
    {
      rule: 'the FIN comes after the last byte, however long that byte had to wait',
      likely: "the server ends its side only if nothing is queued when 'end' comes: `end` itself waits for what is queued",
    },
    async (world) => {
      const client = await world.connect(await world.call('startEcho'), { paused: true, label: 'client that reads after its FIN' });
      const bytes = await fillUntilQueued(world, client);
      client.end();
      await world.settle();
      client.resume();
      await client.readToEnd({ expected: `${count(bytes.length, 'byte')} back, then FIN` });
      await client.expectBytes(bytes);
    },
  );

  rule(
    'makes-room-after-a-fin',
    'lets the next client in when one of connectionsMax has left with a FIN',
    {
      rule: 'a client that has sent its FIN and got ours has left, once, and makes room for one other',
      likely: "clients are counted by hand, and one that leaves is counted twice ('end' and 'close') or not at all",
    },
    async (world) => {
      const connectionsMax = world.random.integer(2, 4);
      const server = await world.call('startEcho', { connectionsMax });
      const inside: TcpClient[] = [];
      for (let number = 1; number <= connectionsMax; number++) {
        inside.push(await isLetIn(world, server, `client ${number} of a server with connectionsMax ${connectionsMax}`));
      }
      for (let round = 0; round < 3; round++) {
        const leaving = inside.shift() as TcpClient;
        leaving.end();
        await leaving.readToEnd();
        inside.push(await isLetIn(world, server, 'the client after one that has left'));
        await isTurnedAway(world, server, connectionsMax);
      }
    },
  );

  rule(
    'fin-from-a-client-of-few-words',
    'ends its side for a client that sends FIN and nothing else',
    {
      rule: 'a FIN is answered with a FIN, even on a connection that carried no byte',
      likely: "the FIN is only sent from 'data' or from the write's callback",
    },
    async ({ call, connect }) => {
      const client = await connect(await call('startEcho'), { label: 'client that sends FIN only' });
      client.end();
      await client.readToEnd();
    },
  );

  rule(
    'waits-for-the-clients-fin',
    'does not end a connection that the client has not ended',
    {
      rule: 'the server keeps its side open as long as the client may still send',
      likely: 'the connection is ended after a pause or after the first answer',
    },
    async ({ call, connect, subject, random }) => {
      const client = await connect(await call('startEcho'), { label: 'client that takes a break' });
      let sent = Buffer.alloc(0);
      for (let round = 0; round < 2; round++) {
        const bytes = random.bytes(random.integer(1, 2000));
        sent = Buffer.concat([sent, bytes]);
        client.write(bytes);
        await client.expectBytes(sent);
        if (round > 0) continue;
        // Some of the server's running time, in which nothing happens.
        await subject.until(() => client.ended || client.closed, { patienceMs: BREAK_MS });
      }
      client.end();
      await client.readToEnd();
      await client.expectNoMoreThan(sent.length);
    },
  );
});
