/** Clients that do not read, and how much a server takes from them. */
import type { World } from '#support/exercise.ts';
import { CheckFailure } from '#support/failure.ts';
import type { TcpClient } from '#support/tcp-client.ts';
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
 * @returns all that was sent
 */
export async function fillUntilQueued(world: World<typeof driver>, client: TcpClient): Promise<Buffer> {
  const pattern = world.random.bytes(PIECE_BYTES);
  const sent: Buffer[] = [];
  let { readBytes, queuedBytes } = await world.call('traffic');
  while (sent.length < PIECES_MAX && queuedBytes === 0) {
    const piece = Buffer.from(pattern);
    piece.writeUInt32BE(sent.length, 0);
    sent.push(piece);
    client.write(piece);
    const wanted = readBytes + piece.length;
    // Each piece is read by itself: two at once could be too much for `write`.
    for (let asked = 0; asked < ASKED_MAX && readBytes < wanted; asked++) {
      ({ readBytes, queuedBytes } = await world.call('traffic'));
    }
  }
  return Buffer.concat(sent);
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
