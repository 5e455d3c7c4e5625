import { exercise } from '#support/exercise.ts';
import type { World } from '#support/exercise.ts';
import type { Address, TcpClient } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import { fillUntilQueued, isLetIn, isTurnedAway, writeUntilRead } from './stall.ts';

/** A client that sends something of its own and gets it back. */
async function echoes(world: World<typeof driver>, client: TcpClient, length = 200): Promise<void> {
  const before = client.received;
  const bytes = world.random.bytes(length);
  client.write(bytes);
  await client.expectBytes(Buffer.concat([before, bytes]));
}

async function newClientEchoes(world: World<typeof driver>, server: Address, label: string, length?: number): Promise<void> {
  await echoes(world, await world.connect(server, { label }), length);
}

exercise<typeof driver>('1.2', import.meta.url, (rule) => {
  rule(
    'silent-clients-hold-nobody-up',
    'answers a client while others are connected and say nothing',
    {
      rule: 'one client never waits for another',
      likely: 'the server handles one connection at a time',
    },
    async (world) => {
      const server = await world.call('startEcho');
      await Promise.all(Array.from({ length: 100 }, async () => await world.connect(server, { label: 'silent client' })));
      await newClientEchoes(world, server, 'client after 100 silent ones');
    },
  );

  rule(
    'keeps-clients-apart',
    'gives each of many clients its own bytes and nobody else\'s',
    {
      rule: 'what one client sends is never seen by another: nothing is shared between connections',
      likely: 'a buffer or a variable outside the connection handler is used by all of them',
    },
    async (world) => {
      const server = await world.call('startEcho');
      const clients = await Promise.all(
        Array.from({ length: 25 }, async (_, index) => await world.connect(server, { label: `client ${index + 1} of 25` })),
      );
      const sent = clients.map(() => Buffer.alloc(0));
      for (let round = 0; round < 6; round++) {
        for (const index of world.random.shuffle(clients.map((_, position) => position))) {
          const bytes = world.random.bytes(world.random.integer(1, 3000));
          sent[index] = Buffer.concat([sent[index] as Buffer, bytes]);
          clients[index]?.write(bytes);
        }
      }
      for (const [index, client] of clients.entries()) {
        await client.expectBytes(sent[index] as Buffer);
        await client.expectNoMoreThan((sent[index] as Buffer).length);
      }
    },
  );

  rule(
    'survives-a-reset',
    'keeps running when a client resets its connection',
    {
      rule: "an RST ends one connection; an 'error' event that nobody listens to ends the whole process",
      likely: "the socket has no listener for 'error'",
    },
    async (world) => {
      const server = await world.call('startEcho');
      const bystander = await world.connect(server, { label: 'a client that was there before' });
      for (let round = 0; round < 3; round++) {
        const rude = await world.connect(server, { label: 'client that resets' });
        await echoes(world, rude, 50);
        rude.resetNow();
        await world.settle();
      }
      await echoes(world, bystander);
      await newClientEchoes(world, server, 'a client that came after the reset');
    },
  );

  rule(
    'survives-a-reset-while-writing',
    'keeps running when a client resets while the server is writing to it',
    {
      rule: 'a write to a connection that is gone is an error of that connection only (EPIPE, ECONNRESET)',
      likely: "the socket has no listener for 'error', or the error is thrown again",
    },
    async (world) => {
      const server = await world.call('startEcho');
      const bystander = await world.connect(server, { label: 'a client that was there before' });
      for (let round = 0; round < 2; round++) {
        const rude = await world.connect(server, { paused: true, label: 'client that resets with echoes under way' });
        await fillUntilQueued(world, rude);
        rude.resetNow();
        await world.settle();
      }
      await echoes(world, bystander);
      await newClientEchoes(world, server, 'a client that came after the resets');
    },
  );

  rule(
    'survives-other-errors',
    'keeps running when a connection ends with an error that is not ECONNRESET',
    {
      rule: 'whatever the error of a connection is called (EPIPE, ETIMEDOUT, EHOSTUNREACH), it ends that connection only',
      likely: "the 'error' listener looks at the code and throws what it does not know",
    },
    async (world) => {
      const server = await world.call('startEcho');
      const bystander = await world.connect(server, { label: 'a client that was there before' });
      const rude = await world.connect(server, { paused: true, label: 'client that sends FIN and then resets, with echoes under way' });
      await fillUntilQueued(world, rude);
      rude.end();
      await world.settle();
      rude.resetNow(); // After a FIN, the kernel calls this EPIPE.
      await world.settle();
      for (const code of ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETDOWN']) {
        const lost = await world.connect(server, { label: `client whose connection breaks with ${code}` });
        await echoes(world, lost, 50);
        await world.call('breakNewest', code);
        await world.settle();
      }
      await echoes(world, bystander);
      await newClientEchoes(world, server, 'a client that came after the errors');
    },
  );

  rule(
    'keeps-to-its-limit',
    'turns away the client that is one too many, and lets the next one in when another has reset',
    {
      rule: 'connectionsMax clients are served at once, and one more is closed unanswered; each that leaves makes room for another, however it leaves',
      likely: "the option is ignored, or clients are counted and a reset does not count as leaving: 'close' comes for each, 'end' does not",
    },
    async (world) => {
      const connectionsMax = world.random.integer(2, 4);
      const server = await world.call('startEcho', { connectionsMax });
      const inside: TcpClient[] = [];
      for (let number = 1; number <= connectionsMax; number++) {
        inside.push(await isLetIn(world, server, `client ${number} of a server with connectionsMax ${connectionsMax}`));
      }
      for (let round = 0; round < 3; round++) {
        // Those that are turned away leave, too, and must not be counted as having been in.
        await isTurnedAway(world, server, connectionsMax);
        await isTurnedAway(world, server, connectionsMax);
        inside.shift()?.resetNow();
        await world.settle();
        inside.push(await isLetIn(world, server, 'the client after one that has reset'));
      }
      await isTurnedAway(world, server, connectionsMax);
      for (const client of inside) await echoes(world, client);
    },
  );

  rule(
    'slow-reader-holds-nobody-up',
    'answers others while one client takes its echo slowly',
    {
      rule: 'a client that reads slowly slows down itself and nobody else',
      likely: 'writes of all clients wait in one queue, or share a buffer',
    },
    async (world) => {
      const server = await world.call('startEcho');
      const slow = await world.connect(server, { paused: true, label: 'client that does not read yet' });
      const bytes = await fillUntilQueued(world, slow);
      // Long enough to overwrite what waits for the slow one, if that were kept in a buffer that all share.
      for (let other = 1; other <= 5; other++) await newClientEchoes(world, server, `client ${other} beside a slow one`, 60_000);
      slow.resume();
      await slow.expectBytes(bytes);
    },
  );

  rule(
    'keeps-what-waits',
    'keeps what waits for a slow client unchanged while small pieces come from it and from others',
    {
      rule: '`write` keeps the buffer that it is given until the kernel has taken it: its contents must not change before then',
      likely: 'a buffer is filled again while its old contents still wait: `write` may return true and still not be done with it',
    },
    async (world) => {
      const server = await world.call('startEcho');
      const slow = await world.connect(server, { paused: true, label: 'client that does not read yet' });
      const sent = [await fillUntilQueued(world, slow)];
      for (let round = 1; round <= 5; round++) {
        const small = world.random.bytes(world.random.integer(100, 900));
        sent.push(small);
        await writeUntilRead(world, slow, small);
        await newClientEchoes(world, server, `client ${round} beside a slow one`, 1000);
      }
      slow.resume();
      await slow.expectBytes(Buffer.concat(sent));
    },
  );

  rule(
    'lets-clients-leave',
    'serves 300 clients one after the other',
    {
      rule: 'nothing is kept about a client that has left',
      likely: 'something is kept for each client and runs out, or a listener on the server is added for each',
    },
    async (world) => {
      const server = await world.call('startEcho');
      for (let visit = 1; visit <= 300; visit++) {
        const client = await world.connect(server, { label: `client ${visit} of 300` });
        await echoes(world, client, 20);
        if (visit % 3 === 0) client.resetNow();
        else client.end();
        client.destroy();
      }
      await newClientEchoes(world, server, 'the client after 300');
    },
  );
});
