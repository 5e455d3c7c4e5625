/**
 * What a WebSocket writes to its socket: the frames of one turn of the event loop leave in one write.
 *
 * A write costs microseconds, a small frame's bytes next to nothing. So frames are gathered until what is going on now
 * is over: the input that is being read, or else the turn, with everything that promises do in it.
 */

import type { Socket } from 'node:net';

/** Frames are joined up to this; more are handed over as they are, which costs less than to copy them. */
const JOINED_BYTES_MAX = 64 * 1024;

const nothing = Buffer.alloc(0);

/** One array for all sockets that have nothing to write: most of ten thousand have not. */
const noFrames: Uint8Array[] = [];

/** Those with something to write when this turn is over: one list and one tick for all, also for a thousand members. */
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
  #waiters: ((sent: boolean) => void)[] | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Bytes that the kernel has not taken yet. */
  get bufferedBytes(): number {
    return this.#bytes + this.#socket.writableLength;
  }

  /** The connection is over on our side: nothing that is written leaves any more. */
  get cut(): boolean {
    return this.#socket.destroyed;
  }

  /** Whether the kernel takes no more for now. */
  get blocked(): boolean {
    return this.#socket.writableLength > 0;
  }

  write(frame: Uint8Array): void {
    if (this.#frames === noFrames) this.#frames = [frame];
    else this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#bytes > JOINED_BYTES_MAX) this.flush();
    else if (!this.#held && !this.#isScheduled) this.#schedule();
  }

  /** From now on until {@link SocketBatch.release} everything is gathered. */
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
    if (frames.length === 1) {
      this.#socket.write(frames[0]!);
    } else if (bytes <= JOINED_BYTES_MAX) {
      this.#socket.write(Buffer.concat(frames, bytes));
    } else {
      this.#socket.cork();
      for (const frame of frames) this.#socket.write(frame);
      this.#socket.uncork();
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
      // A socket reports single writes, and a buffer that was full. Once an empty write is done, all those before it are, too.
      this.#socket.write(nothing, (error) => this.#settle(error === null || error === undefined));
    });
  }

  /** The socket has closed: nothing will be sent any more. */
  closed(): void {
    this.#frames = noFrames;
    this.#bytes = 0;
    this.#settle(false);
  }

  #settle(sent: boolean): void {
    const waiters = this.#waiters;
    this.#waiters = null;
    if (waiters !== null) for (const settle of waiters) settle(sent);
  }

  #schedule(): void {
    this.#isScheduled = true;
    // A tick runs when all promises that are settled now have run: what they send is gathered too.
    if (scheduled.push(this) === 1) process.nextTick(flushScheduled);
  }
}
