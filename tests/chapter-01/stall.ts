/** Clients that do not read, and how much a server takes from them; clients of a server that is full. */
import type { World } from '#support/exercise.ts';
import { check, CheckFailure } from '#support/failure.ts';
import type { Address, TcpClient } from '#support/tcp-client.ts';
import type driver from './driver.ts';

/**
 * Less than one of Node's sockets queues before `write` returns false (64 KiB), so
 * that a server does not have to react to the false yet, well or badly.
 */
const PIECE_BYTES = 56 << 10;
const PIECES_MAX = 300;
/** How often to ask whether a piece has been read, before the next one follows anyway. */
const ASKED_MAX = 20;

/**
 * Sends to the server, through a client that does not read, until the kernel
 * takes no more of the echo and the server has to keep some of it for later.
 *
 * A server that keeps it where nobody can see it, or that waits instead, is sent
 * {@link PIECES_MAX} pieces. No other client may have anything under way.
 *
 * @param pieceOf the piece with that number, of about {@link PIECE_BYTES}. Default: binary bytes
 * @returns all that was sent
 */
export async function fillUntilQueued(world: World<typeof driver>, client: TcpClient, pieceOf = binaryPieces(world)): Promise<Buffer> {
  const sent: Buffer[] = [];
  let { queuedBytes } = await world.call('traffic');
  while (sent.length < PIECES_MAX && queuedBytes === 0) {
    const piece = pieceOf(sent.length);
    sent.push(piece);
    // Each piece is read by itself: two at once could be too much for `write`.
    ({ queuedBytes } = await writeUntilRead(world, client, piece));
  }
  return Buffer.concat(sent);
}

/** Sends a piece and waits until the server has read it, or has had time to and does not. */
export async function writeUntilRead(world: World<typeof driver>, client: TcpClient, piece: Buffer): Promise<{ queuedBytes: number }> {
  let traffic = await world.call('traffic');
  const wanted = traffic.readBytes + piece.length;
  client.write(piece);
  for (let asked = 0; asked < ASKED_MAX && traffic.readBytes < wanted; asked++) traffic = await world.call('traffic');
  return traffic;
}

function binaryPieces(world: World<typeof driver>): (number: number) => Buffer {
  const pattern = world.random.bytes(PIECE_BYTES);
  return (number) => {
    const piece = Buffer.from(pattern);
    piece.writeUInt32BE(number, 0);
    return piece;
  };
}

/** Pieces of whole lines, each with its number in front, for a server that answers each line with itself. */
export function linePieces(world: World<typeof driver>): (number: number) => Buffer {
  const line = world.random.word(1000, 1000);
  return (number) => {
    const lines = Array.from({ length: Math.floor(PIECE_BYTES / 1020) }, (_, index) => `${number}.${index} ${line}\n`);
    return Buffer.from(lines.join(''));
  };
}

/** How long a server must take nothing in, in its own running time, to count as stalled. */
const STALLED_MS = 250;

/**
 * Sends piece by piece until the server takes no more.
 *
 * @returns how many pieces were sent, and how many of their bytes were taken in,
 *   including what the kernel holds on the way
 * @throws {CheckFailure} if the server does anything else than stop reading
 */
export async function sendUntilStalled(client: TcpClient, pieces: readonly Buffer[]): Promise<{ sentPieces: number; takenBytes: number }> {
  let sentBytes = 0;
  let sentPieces = 0;
  for (const piece of pieces) {
    client.write(piece);
    sentBytes += piece.length;
    sentPieces += 1;
    if (await isStalled(client, sentBytes)) break;
  }
  return { sentPieces, takenBytes: client.flushedBytes };
}

/** Waits until the server takes no more of what is sent, or has taken all of it. */
export async function untilStalled(client: TcpClient, sentBytes: number): Promise<void> {
  while (client.flushedBytes < sentBytes && !(await isStalled(client, client.flushedBytes + 1)));
}

async function isStalled(client: TcpClient, sentBytes: number): Promise<boolean> {
  try {
    await client.until(() => client.flushedBytes >= sentBytes, { patienceMs: STALLED_MS });
    return false;
  } catch (error) {
    if (error instanceof CheckFailure && error.report.kind === 'silent') return true;
    throw error;
  }
}

/** How often a client comes back to a server that is full, until it is let in. */
const VISITS_MAX = 20;

/**
 * Connects a client that the server must turn away, unanswered, since its limit is reached.
 *
 * @throws {CheckFailure} if it is let in, or answered
 */
export async function isTurnedAway(world: World<typeof driver>, server: Address, connectionsMax: number): Promise<void> {
  const client = world.client(server, { label: `client ${connectionsMax + 1} of a server with connectionsMax ${connectionsMax}` });
  client.write('x\n');
  const report = { expected: 'the connection is closed, without a byte' };
  await client.until(() => client.closed || client.ended || client.receivedBytes > 0, report);
  check(client.receivedBytes === 0, { sent: client.describeSent(), received: client.describe(), ...report });
}

/** Connects a client that must get its line back, now that others have left; the server may need a moment to notice. */
export async function isLetIn(world: World<typeof driver>, server: Address, label: string): Promise<TcpClient> {
  const word = world.random.word();
  const expected = 'its line comes back';
  for (let visit = 1; ; visit++) {
    const client = world.client(server, { label });
    client.write(`${word}\n`);
    const answered = (): boolean => client.receivedBytes > word.length;
    await client.until(() => client.closed || client.ended || answered(), { expected });
    if (answered() || visit === VISITS_MAX) {
      check(client.received.toString().startsWith(word), { sent: client.describeSent(), received: client.describe(), expected });
      return client;
    }
    client.destroy();
    await world.settle();
  }
}
