import { exercise } from '#support/exercise.ts';
import type { World } from '#support/exercise.ts';
import type { Address, TcpClient } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import { fillUntilQueued } from './stall.ts';

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
    'lets-clients-leave',
    'serves 300 clients one after the other',
    {
      rule: 'nothing is kept of a client that has left',
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
