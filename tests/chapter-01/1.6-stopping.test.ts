import { exercise } from '#support/exercise.ts';
import type { World } from '#support/exercise.ts';
import { check, CheckFailure } from '#support/failure.ts';
import type { TcpClient } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import { fillUntilQueued } from './stall.ts';

/** Long enough that only the deadline itself could end a connection within a test. */
const FAR_MS = 120_000;

/** Waits until the promise of closeGracefully has resolved. */
async function closed(world: World<typeof driver>): Promise<void> {
  try {
    await world.callPatiently({ patienceMs: 2000 }, 'awaitClose');
  } catch (error) {
    if (!(error instanceof CheckFailure) || error.report.kind !== 'did not start') throw error;
    const { likely: _, ...report } = error.report;
    throw new CheckFailure({ ...report, kind: 'silent', received: 'the promise of closeGracefully is still pending', expected: 'it resolves' });
  }
}

exercise<typeof driver>('1.6', import.meta.url, (rule) => {
  rule(
    'stops-an-idle-server',
    'resolves when there is nobody to wait for',
    {
      rule: 'closeGracefully resolves once the server is closed',
      likely: "the promise waits for an event that never comes; `server.close` takes a callback",
    },
    async (world) => {
      const { call } = world;
      await call('startEcho');
      await call('beginClose');
      await closed(world);
    },
  );

  rule(
    'accepts-nobody-new',
    'refuses new connections at once',
    {
      rule: 'a server that is stopping accepts nobody new, while those who are connected may finish',
      likely: 'the listening socket stays open until the last connection is gone',
    },
    async ({ call, connect, client, settle }) => {
      const server = await call('startEcho');
      const inside = await connect(server, { label: 'client that is connected' });
      inside.write('x');
      await inside.expectBytes('x');
      await call('beginClose', FAR_MS);
      await settle();
      const late = client(server, { label: 'client that comes too late' });
      await late.until(() => late.closed, {
        expected: 'the connection is refused',
        received: 'the connection was accepted',
      });
      check(late.reset, { received: 'the connection was accepted', expected: 'the connection is refused' });
    },
  );

  rule(
    'does-not-cut-early',
    'waits for the deadline before it cuts anybody',
    {
      rule: 'until the deadline a connection is served as before',
      likely: 'the deadline is ignored, or taken in seconds or as zero',
    },
    async ({ call, connect, subject, random }) => {
      const client = await connect(await call('startEcho'), { label: 'client that is connected' });
      client.write('a');
      await client.expectBytes('a');
      await call('beginClose', FAR_MS);
      let sent = Buffer.from('a');
      for (let round = 0; round < 2; round++) {
        // Some of the server's running time, in which nothing happens.
        await subject.until(() => client.ended || client.closed, { patienceMs: 350 });
        const bytes = random.bytes(50);
        sent = Buffer.concat([sent, bytes]);
        client.write(bytes);
        await client.expectBytes(sent, { expected: 'the client is served until the deadline' });
      }
    },
  );

  rule(
    'lets-clients-finish',
    'lets a connection in progress finish, and resolves only then',
    {
      rule: 'connections in progress end when they are done, not when the server is',
      likely: 'connections are destroyed at once, or the promise resolves before the last one has ended',
    },
    async (world) => {
      const { call, connect, settle, random } = world;
      const server = await call('startEcho');
      const last = await connect(server, { label: 'client that stays longest' });
      const client = await connect(server, { paused: true, label: 'client with an echo under way' });
      const bytes = random.bytes(3 << 20);
      client.write(bytes.subarray(0, 1 << 20));
      await settle();
      await call('beginClose', FAR_MS);
      await settle();
      const state = await call('closeState');
      check(state === 'pending', {
        sent: 'closeGracefully while a client is connected',
        received: `the promise is already ${state}`,
        expected: 'it resolves when the last connection has ended',
      });
      client.write(bytes.subarray(1 << 20)).end().resume();
      await client.expectBytes(bytes);
      await client.readToEnd();
      await settle();
      check((await call('closeState')) === 'pending', {
        sent: 'closeGracefully while two clients are connected; one of them finishes',
        received: 'the promise has resolved with the other one still connected',
        expected: 'it resolves when the last connection has ended',
      });
      last.write(bytes.subarray(0, 50)).end();
      await last.expectBytes(bytes.subarray(0, 50));
      await last.readToEnd();
      await closed(world);
    },
  );

  rule(
    'deadline-ends-the-rest',
    'cuts the connections that are still open at the deadline, and resolves',
    {
      rule: 'no client can keep a server from stopping: after deadlineMs the rest are cut',
      likely: 'nothing happens at the deadline, or a connection is forgotten before it is closed',
    },
    async (world) => {
      const { call, connect } = world;
      const server = await call('startEcho');
      const clients = await Promise.all(
        ['silent client', 'client that does not read', 'client that has half-closed'].map(
          async (label, index) => await connect(server, { label, paused: index > 0 }),
        ),
      );
      await fillUntilQueued(world, clients[2] as TcpClient);
      clients[2]?.end();
      clients[1]?.write(Buffer.alloc(12 << 20));
      await world.settle();
      await call('beginClose', 250);
      await closed(world);
      for (const client of clients) {
        client.resume();
        await client.until(() => client.closed || client.ended, { expected: 'the connection is cut' });
      }
    },
  );

  rule(
    'deadline-of-zero',
    'cuts everybody at once when the deadline is 0',
    {
      rule: 'a deadline of 0 ms is a deadline: there is no time to finish in',
      likely: '`||` takes 0 for a missing option; `??` or a default parameter does not',
    },
    async (world) => {
      const client = await world.connect(await world.call('startEcho'), { label: 'client that is connected' });
      client.write('x');
      await client.expectBytes('x');
      await world.call('beginClose', 0);
      await closed(world);
      await client.until(() => client.closed || client.ended, { expected: 'the connection is cut' });
    },
  );

  rule(
    'deadline-that-never-comes',
    'waits for as long as it takes when the deadline is Infinity, or further off than a timer can wait',
    {
      rule: 'a longer deadline is more patient, never less',
      likely: '`setTimeout` makes 1 ms of Infinity and of 2³¹ ms or more: `startDeadline` does not',
    },
    async (world) => {
      for (const deadlineMs of [Infinity, 2 ** 31, 2 ** 40]) {
        const client = await world.connect(await world.call('startEcho'), { label: `client that is connected, deadlineMs ${deadlineMs}` });
        client.write('a');
        await client.expectBytes('a');
        await world.call('beginClose', deadlineMs);
        // Some of the server's running time, in which nothing happens.
        await world.subject.until(() => client.ended || client.closed, { patienceMs: 100 });
        client.write('b');
        await client.expectBytes('ab', { expected: 'the client is served until it leaves' });
        client.end();
        await client.readToEnd();
        await closed(world);
        const left = await world.call('activeTimers');
        check(left.length === 0, {
          sent: `closeGracefully with deadlineMs ${deadlineMs}`,
          received: `it resolved, and ${left.length} timer is still running`,
          expected: 'no timer: the program ends now and not at the deadline',
        });
      }
    },
  );

  rule(
    'stops-a-line-server',
    'stops a line server in the same way',
    {
      rule: 'closeGracefully works on every server of this chapter',
      likely: 'only createEchoServer remembers its connections',
    },
    async (world) => {
      const { call, connect, settle } = world;
      const client = await connect(await call('startLines', {}), { label: 'silent client of a line server' });
      client.write('half a line');
      await settle();
      await call('beginClose', 250);
      await closed(world);
      await client.until(() => client.closed || client.ended, { expected: 'the connection is cut at the deadline' });
    },
  );

  rule(
    'stops-one-server-only',
    'leaves other servers of the same program alone',
    {
      rule: 'closeGracefully stops the server that it is given and no other',
      likely: 'the connections of all servers are kept in one set',
    },
    async (world) => {
      const { call, connect, random } = world;
      const stopping = await connect(await call('startEcho'), { label: 'client of the server that stops' });
      const other = await call('startEcho');
      const staying = await connect(other, { label: 'client of another server' });
      staying.write('a');
      await staying.expectBytes('a');
      await call('beginClose', 100);
      await closed(world);
      await stopping.until(() => stopping.closed || stopping.ended, { expected: 'the connection is cut at the deadline' });
      for (const client of [staying, await connect(other, { label: 'new client of another server' })]) {
        const bytes = Buffer.concat([client.received, random.bytes(50)]);
        client.write(bytes.subarray(client.receivedBytes));
        await client.expectBytes(bytes);
      }
    },
  );

  rule(
    'leaves-no-timer',
    'leaves nothing that keeps the program running',
    {
      rule: 'a server that has stopped keeps no process alive: the program can end by itself',
      likely: 'the timer of the deadline is not cleared',
    },
    async (world) => {
      const { call } = world;
      await call('startEcho');
      await call('beginClose', FAR_MS);
      await closed(world);
      const left = await call('activeTimers');
      check(left.length === 0, {
        sent: `closeGracefully with deadlineMs ${FAR_MS.toLocaleString('en')} on a server without clients`,
        received: `it resolved, and ${left.length} timer is still running`,
        expected: 'no timer: the program ends now and not at the deadline',
      });
    },
  );

  rule(
    'forgets-those-who-left',
    'keeps nothing of the clients that have left',
    {
      rule: 'what is remembered about a connection is forgotten when it is closed; a list that only grows is a leak',
      likely: "no socket is ever taken out of the set: 'close' on the socket says when",
    },
    async ({ call, connect, settle }) => {
      const server = await call('startEcho');
      const visits = 60;
      for (let visit = 0; visit < visits; visit++) {
        const client = await connect(server, { label: `client ${visit + 1} of ${visits}` });
        client.write('x');
        await client.expectBytes('x');
        client.end();
        await client.readToEnd();
      }
      await settle();
      const kept = await call('socketsInMemory');
      check(kept < visits / 2, {
        sent: `${visits} clients that came and left, one after the other`,
        received: `${kept} of their sockets are still in memory`,
        expected: 'next to none',
      });
    },
  );
});
