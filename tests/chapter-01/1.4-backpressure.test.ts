import { createHash } from 'node:crypto';
import { count } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import type { World } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type { TcpClient } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import { sendUntilStalled, untilStalled } from './stall.ts';

const SENT_BYTES = 64 << 20;
const PIECE_BYTES = 256 << 10;
/**
 * What the kernel's buffers usually hold between two sockets of one machine, both
 * ways. Some kernels let them grow beyond that; then the server is asked what it holds.
 */
const TAKEN_BYTES_MAX = 40 << 20;

/** What a server may have read and not passed on: generous, and far from 64 MiB. */
const HELD_BYTES_MAX = 8 << 20;

/** Whether all that was let in is in the kernel's buffers, and not in the server's. */
async function kernelHasIt(world: World<typeof driver>): Promise<boolean> {
  return (await world.call('traffic')).heldBytes < HELD_BYTES_MAX;
}

/** What a client reads between two stalls: enough for the server to go on. */
const READ_BYTES = 4 << 20;

/** The same pseudo-random megabyte again and again, each with its number in front. */
function piecesOf(world: World<typeof driver>): Buffer[] {
  const pattern = world.random.bytes(PIECE_BYTES);
  return Array.from({ length: SENT_BYTES / PIECE_BYTES }, (_, index) => {
    const piece = Buffer.from(pattern);
    piece.writeUInt32BE(index, 0);
    return piece;
  });
}

exercise<typeof driver>('1.4', import.meta.url, (rule) => {
  rule(
    'stops-reading',
    'stops reading from a client that does not read',
    {
      rule: 'a server must not take in what it cannot pass on: backpressure is passed to the sender',
      likely: '`write` returned false and nobody looked: Node queues what the kernel does not take, without a limit',
    },
    async (world) => {
      const client = await world.connect(await world.call('startEcho'), { paused: true, label: 'client that never reads' });
      const { takenBytes: taken } = await sendUntilStalled(client, piecesOf(world));
      check(taken < TAKEN_BYTES_MAX || (await kernelHasIt(world)), {
        sent: `${count(SENT_BYTES, 'byte')} to a server whose echo is never read`,
        received: `the server took ${count(taken, 'byte')} and holds them in memory`,
        expected: `the client's writes stall after a few MiB (at most ${count(TAKEN_BYTES_MAX, 'byte')} here)`,
      });
    },
  );

  rule(
    'delivers-everything-later',
    'returns every byte once the client reads',
    {
      rule: 'a paused connection resumes: nothing is lost and nothing is stuck',
      likely: "the socket is paused and never resumed: 'drain' says when",
    },
    async (world) => {
      const client = await world.connect(await world.call('startEcho'), { paused: true, label: 'client that reads at last' });
      const pieces = piecesOf(world);
      const { sentPieces } = await sendUntilStalled(client, pieces);
      for (const piece of pieces.slice(sentPieces)) client.write(piece);
      const sent = createHash('sha256');
      for (const piece of pieces) sent.update(piece);
      // In two goes: a client that reads all at once may be so fast that there is no second stall.
      client.resume();
      await client.read(READ_BYTES, { expected: `${count(READ_BYTES, 'byte')} back` });
      client.pause();
      await untilStalled(client, SENT_BYTES);
      client.resume().end();
      await client.read(SENT_BYTES, { expected: `${count(SENT_BYTES, 'byte')} back` });
      const received = createHash('sha256').update(client.received).digest('hex');
      check(received === sent.digest('hex'), {
        kind: 'wrong bytes',
        sent: `${count(SENT_BYTES, 'byte')}, read only after the writes had stalled`,
        received: `${count(client.receivedBytes, 'byte')} with another SHA-256`,
        expected: 'the same bytes in the same order',
      });
      await client.readToEnd();
    },
  );

  rule(
    'stops-each-client-by-itself',
    'goes on serving others while one client is stalled',
    {
      rule: 'backpressure holds back the connection that caused it and no other',
      likely: 'one flag, one queue or one buffer serves all connections',
    },
    async (world) => {
      const server = await world.call('startEcho');
      const early = await world.connect(server, { label: 'client that was there before another one stalled' });
      const stalled = await world.connect(server, { paused: true, label: 'client that does not read for long' });
      const pieces = piecesOf(world);
      const { sentPieces } = await sendUntilStalled(stalled, pieces);
      const late = await world.connect(server, { label: 'client that came after another one had stalled' });
      for (const other of [early, late]) {
        let sent = Buffer.alloc(0);
        for (let round = 0; round < 3; round++) {
          const bytes = world.random.bytes(100_000);
          sent = Buffer.concat([sent, bytes]);
          other.write(bytes);
          await other.expectBytes(sent);
        }
      }
      stalled.resume();
      const report = { expected: 'what was sent before the stall comes back, whatever others did meanwhile' };
      await stalled.expectBytes(Buffer.concat(pieces.slice(0, sentPieces)), report);
    },
  );

  rule(
    'resumes-each-of-two',
    'goes on with each of two clients that were stalled at the same time',
    {
      rule: "a 'drain' belongs to one connection: it resumes that one, and a later one resumes the other",
      likely: 'the socket that waits is remembered in a variable that all connections share',
    },
    async (world) => {
      const server = await world.call('startEcho');
      const pieces = piecesOf(world);
      const clients = [
        await world.connect(server, { paused: true, label: 'first of two stalled clients' }),
        await world.connect(server, { paused: true, label: 'second of two stalled clients' }),
      ];
      const sentPieces: number[] = [];
      for (const client of clients) sentPieces.push((await sendUntilStalled(client, pieces)).sentPieces);
      for (const index of [1, 0]) {
        const sent = Buffer.concat(pieces.slice(0, sentPieces[index]));
        await (clients[index] as TcpClient).resume().expectBytes(sent, { expected: `${count(sent.length, 'byte')} back` });
      }
    },
  );

  rule(
    'stalls-more-than-once',
    'passes backpressure on again and again on one connection',
    {
      rule: 'each time that `write` returns false, reading stops until the next `drain`',
      likely: '`once` instead of `on`, or a flag that is never reset',
    },
    async (world) => {
      const client = await world.connect(await world.call('startEcho'), { paused: true, label: 'client that reads in bursts' });
      let pieces = piecesOf(world);
      const sent: Buffer[] = [];
      for (const stall of ['first', 'second']) {
        const { sentPieces } = await sendUntilStalled(client, pieces);
        check(sentPieces < pieces.length || (await kernelHasIt(world)), {
          sent: `${count(pieces.length * PIECE_BYTES, 'byte')} while the client does not read, for the ${stall} time`,
          received: 'the server took all of them and holds them in memory',
          expected: `the client's writes stall after a few MiB, the ${stall} time too`,
        });
        sent.push(...pieces.slice(0, sentPieces));
        pieces = pieces.slice(sentPieces);
        // A little at a time: the more a client reads, the larger the buffers that its kernel allows it.
        const readBytes = client.receivedBytes + READ_BYTES;
        client.resume();
        await client.read(readBytes, { expected: `${count(readBytes, 'byte')} back` });
        client.pause();
      }
      client.resume().end();
      await client.expectBytes(Buffer.concat(sent));
      await client.readToEnd();
    },
  );
});
