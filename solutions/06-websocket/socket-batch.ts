/**
 * What a WebSocket writes to its socket: the frames of one turn of the event loop leave in one write.
 *
 * A write costs microseconds, and the bytes of a small frame next to nothing. So frames are gathered: until the input
 * that is being read has been dealt with (`hold` to `release`), or else until the end of the turn, with everything that
 * promises do in it.
 *
 * Long output goes to the socket in slices, each when the kernel has taken the one before. A socket does not say how
 * much of a single write has gone, and the heartbeat has to tell a slow reader from one that has vanished. To learn
 * that the kernel has taken everything, we write nothing: the callback of an empty write comes after those of all
 * writes before it.
 */

import type { Socket } from 'node:net';

/** Frames are joined up to this size, and the socket is given no more than this at a time. */
const SLICE_BYTES = 64 * 1024;

const nothing = Buffer.alloc(0);

/** One array for all sockets that have nothing to write, as most of ten thousand do. */
const noFrames: Uint8Array[] = [];

/**
 * The sockets with something to write at the end of this turn: one list and one tick for all, even for a room of a
 * thousand.
 */
let scheduled: SocketBatch[] = [];

function flushScheduled(): void {
  const batches = scheduled;
  scheduled = [];
  for (const batch of batches) batch.flush();
}

export class SocketBatch {
  readonly #socket: Socket;
  #frames = noFrames;
  #bytes = 0;
  #held = false;
  #isScheduled = false;
  /** What waits for its turn at the socket. */
  #queue = noFrames;
  #queuedBytes = 0;
  /** The socket will call back when the kernel has taken what it has. */
  #asked = false;
  #ends = false;
  #writtenBytes = 0;
  /** The socket will call back when everything has gone that the waiters wait for. */
  #told = false;
  #waiters: ((sent: boolean) => void)[] | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Bytes that the kernel has not taken yet. */
  get bufferedBytes(): number {
    return this.#bytes + this.#queuedBytes + this.#socket.writableLength;
  }

  /** Bytes that the kernel has taken. */
  get takenBytes(): number {
    return this.#writtenBytes - this.bufferedBytes;
  }

  /** The connection is over on our side: nothing that is written leaves any more. */
  get cut(): boolean {
    return this.#socket.destroyed;
  }

  /** Whether the kernel takes no more for now. */
  get blocked(): boolean {
    return this.#queuedBytes > 0 || this.#socket.writableLength > 0;
  }

  write(frame: Uint8Array): void {
    if (this.#frames === noFrames) this.#frames = [frame];
    else this.#frames.push(frame);
    this.#bytes += frame.length;
    this.#writtenBytes += frame.length;
    if (this.#bytes > SLICE_BYTES) this.flush();
    else if (!this.#held && !this.#isScheduled) this.#schedule();
  }

  /** From now on, everything is gathered until {@link SocketBatch.release}. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    if (this.#bytes > 0) this.flush();
  }

  flush(): void {
    this.#isScheduled = false;
    const frames = this.#frames;
    if (frames.length === 0) return;
    const bytes = this.#bytes;
    this.#bytes = 0;
    this.#frames = noFrames;
    if (this.#socket.destroyed) return;
    if (this.#queuedBytes > 0 || bytes > SLICE_BYTES) {
      if (this.#queuedBytes === 0) this.#queue = frames;
      else for (const frame of frames) this.#queue.push(frame);
      this.#queuedBytes += bytes;
      this.#feed();
    } else {
      this.#socket.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames, bytes));
    }
  }

  /** True once the kernel has everything that is here now, false if it never will. */
  sent(): Promise<boolean> {
    this.flush();
    return new Promise((resolve) => {
      if (this.#waiters !== null) {
        this.#waiters.push(resolve);
        return;
      }
      this.#waiters = [resolve];
      if (this.#queuedBytes === 0) this.#tellWaiters();
    });
  }

  /** Ends our side when all that was written has left. */
  end(): void {
    this.flush();
    this.#ends = true;
    if (this.#queuedBytes === 0) this.#socket.end();
  }

  /** The socket has closed: nothing will be sent any more. */
  closed(): void {
    this.#frames = noFrames;
    this.#bytes = 0;
    this.#queue = noFrames;
    this.#queuedBytes = 0;
    this.#settle(false);
  }

  /** Gives the socket slice after slice, as long as the kernel takes them at once, and goes on when it takes more. */
  #feed(): void {
    const socket = this.#socket;
    while (this.#queuedBytes > 0) {
      if (socket.destroyed || this.#asked) return;
      if (socket.writableLength > 0) {
        // A socket reports only single writes, and a full buffer that has emptied. Once this empty write has gone, so
        // have all before it.
        this.#asked = true;
        socket.write(nothing, () => this.#goOn());
        return;
      }
      socket.write(this.#slice());
    }
    if (this.#waiters !== null && !this.#told) this.#tellWaiters();
    if (this.#ends) socket.end();
  }

  /** The kernel has taken what the socket had. */
  #goOn(): void {
    this.#asked = false;
    if (this.#queuedBytes > 0) this.#feed();
  }

  /** Takes the next bytes out of the queue: several frames, or a part of one. */
  #slice(): Uint8Array {
    const queue = this.#queue;
    const first = queue[0]!;
    if (first.length > SLICE_BYTES) {
      queue[0] = first.subarray(SLICE_BYTES);
      this.#queuedBytes -= SLICE_BYTES;
      return first.subarray(0, SLICE_BYTES);
    }
    let count = 0;
    let bytes = 0;
    while (count < queue.length && bytes + queue[count]!.length <= SLICE_BYTES) bytes += queue[count++]!.length;
    this.#queuedBytes -= bytes;
    this.#queue = queue.slice(count);
    return count === 1 ? first : Buffer.concat(queue.slice(0, count), bytes);
  }

  #tellWaiters(): void {
    this.#told = true;
    this.#socket.write(nothing, (error) => this.#settle(error === null || error === undefined));
  }

  #settle(sent: boolean): void {
    const waiters = this.#waiters;
    this.#waiters = null;
    this.#told = false;
    if (waiters !== null) for (const settle of waiters) settle(sent);
  }

  #schedule(): void {
    this.#isScheduled = true;
    // A tick runs when all promises that are settled now have run: what they send is gathered too.
    if (scheduled.push(this) === 1) process.nextTick(flushScheduled);
  }
}
