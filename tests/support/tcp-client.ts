/**
 * The hostile client: TCP as a learner's own tests would never use it.
 *
 * It can send in one write, byte by byte, split anywhere, slowly, half-close,
 * reset, never read, and do all of it many times at once. It remembers what it
 * sent and what came back, and says so when a wait fails.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { Bell } from './bell.ts';
import { count, firstDifference, markBytes, showBytes } from './bytes.ts';
import { CheckFailure } from './failure.ts';
import type { FailureReport } from './failure.ts';
import type { Subject, WaitOptions, WaitResult } from './subject.ts';

/** Where a server listens. */
export interface Address {
  host: string;
  port: number;
}

export interface TcpClientOptions {
  /** Start without reading. */
  paused?: boolean;
  /** How the failure report describes this client, when there are several. */
  label?: string;
  /** Speak TLS: `connected` means that both sides have finished the handshake. Whose certificate it is does not matter. */
  tls?: ConnectionOptions;
  /** With `tls`: sent before the handshake. */
  before?: Uint8Array;
}

/** How much of what was sent and received is kept for reports, in bytes each. */
const REMEMBERED_BYTES = 4096;

export class TcpClient {
  readonly #socket: Socket;
  readonly #subject: Subject;
  readonly #bell = new Bell();
  readonly #label: string;
  readonly #story: string[] = [];
  #sentHead: Buffer = Buffer.alloc(0);
  #sentBytes = 0;
  readonly #chunks: Buffer[] = [];
  /** What has been received, with room for more after it; `#joinedBytes` of it are filled. */
  #joined: Buffer = Buffer.alloc(0);
  #joinedBytes = 0;
  #joinedChunks = 0;
  #receivedBytes = 0;
  #connected = false;
  #ended = false;
  #closed = false;
  #error: NodeJS.ErrnoException | undefined;
  #flushedBytes = 0;

  constructor(subject: Subject, address: Address, options: TcpClientOptions = {}) {
    this.#subject = subject;
    this.#label = options.label ?? '';
    const target = { ...address, noDelay: true, allowHalfOpen: true };
    // A certificate of a test is signed by nobody who is known.
    this.#socket = options.tls === undefined ? connect(target) : connectTls({ socket: connect(target).once('connect', function (this: Socket) {
      if (options.before !== undefined) this.write(options.before);
    }), rejectUnauthorized: false, ...options.tls });
    this.#socket.on(options.tls === undefined ? 'connect' : 'secureConnect', () => this.#note(() => (this.#connected = true)));
    this.#socket.on('end', () => this.#note(() => (this.#ended = true)));
    this.#socket.on('close', () => this.#note(() => (this.#closed = true)));
    this.#socket.on('error', (error) => this.#note(() => (this.#error = error)));
    if (!options.paused) this.resume();
  }

  #note(change: () => void): void {
    change();
    this.#bell.ring();
  }

  /** All that has come so far. */
  get received(): Buffer {
    if (this.#joined.length < this.#receivedBytes) {
      // Twice as much as is needed, so that a body of many chunks is copied twice and not once for each of them.
      const room = Buffer.allocUnsafe(2 * this.#receivedBytes);
      this.#joined.copy(room, 0, 0, this.#joinedBytes);
      this.#joined = room;
    }
    for (; this.#joinedChunks < this.#chunks.length; this.#joinedChunks++) {
      this.#joinedBytes += (this.#chunks[this.#joinedChunks] as Buffer).copy(this.#joined, this.#joinedBytes);
    }
    return this.#joined.subarray(0, this.#joinedBytes);
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** The server's FIN has come. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The connection is gone, by both FINs or by a reset. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The server, or its kernel, has reset or refused the connection. */
  get reset(): boolean {
    return this.#error !== undefined;
  }

  /** Bytes that the kernel has taken from this client: what a server lets in, plus buffers. */
  get flushedBytes(): number {
    return this.#flushedBytes;
  }

  get localPort(): number | undefined {
    return this.#socket.localPort;
  }

  /** Whether both sides have finished the handshake of TLS. */
  get secured(): boolean {
    return this.#connected && this.#socket instanceof TLSSocket;
  }

  /** What is known of the connection's encryption. */
  get tls(): TLSSocket {
    if (this.#socket instanceof TLSSocket) return this.#socket;
    throw new Error('this client does not speak TLS');
  }

  /** Waits until the connection is there. */
  async connected(): Promise<this> {
    await this.until(() => this.#connected || this.#error !== undefined, { expected: 'the connection is accepted' });
    if (this.#error) {
      // Nobody listens any more where the process has died.
      if (!(await this.#subject.turn())) throw this.failure(this.#subject.exited ? 'exited' : 'blocked', { expected: 'the connection is accepted' });
      throw this.#failed('closed early', {
        received: `the connection was refused (${this.#error.code ?? this.#error.message})`,
        expected: 'the connection is accepted',
      });
    }
    return this;
  }

  /** Starts, or goes on, reading. */
  resume(): this {
    this.#socket.on('data', this.#onData);
    this.#socket.resume();
    return this;
  }

  /** Stops reading: the client's receive buffer fills and its window closes. */
  pause(): this {
    this.#socket.off('data', this.#onData);
    this.#socket.pause();
    return this;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#receivedBytes += chunk.length;
    this.#bell.ring();
  };

  /** Sends in one write. */
  write(bytes: Uint8Array | string): this {
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#remember(buffer);
    this.#socket.write(buffer, (error) => {
      if (!error) this.#flushedBytes += buffer.length;
      this.#bell.ring();
    });
    return this;
  }

  /** Sends each piece so that the server reads it before the next one comes. */
  async writePieces(pieces: Iterable<Uint8Array>): Promise<this> {
    for (const piece of pieces) {
      this.write(piece);
      await this.#subject.settle();
      if (this.#closed) break;
    }
    return this;
  }

  /** Sends one byte at a time, each read by the server before the next. */
  async writeByteByByte(bytes: Uint8Array | string): Promise<this> {
    const buffer = Buffer.from(bytes as string);
    this.#story.push('(byte by byte)');
    return await this.writePieces(Array.from(buffer, (_, index) => buffer.subarray(index, index + 1)));
  }

  /** Sends in two writes, cut before the byte at `boundary`. */
  async writeSplit(bytes: Uint8Array | string, boundary: number): Promise<this> {
    const buffer = Buffer.from(bytes as string);
    this.#story.push(`(cut after ${count(boundary, 'byte')})`);
    return await this.writePieces([buffer.subarray(0, boundary), buffer.subarray(boundary)].filter((piece) => piece.length > 0));
  }

  /** Closes the sending half: FIN. The client goes on reading. */
  end(): this {
    this.#story.push('FIN');
    this.#socket.end();
    return this;
  }

  /** Ends the connection at once with RST. */
  resetNow(): this {
    this.#story.push('RST');
    this.#socket.resetAndDestroy();
    return this;
  }

  /** Lets the connection go without a report: the end of a test. */
  destroy(): void {
    this.#socket.destroy();
  }

  /**
   * Waits for a condition and throws the right kind of failure when it is not
   * met: the process exited, its loop is blocked, the connection was closed, or
   * nothing came.
   */
  async until(condition: () => boolean, report: Partial<FailureReport> & { patienceMs?: number } = {}): Promise<void> {
    const { patienceMs, ...details } = report;
    const over = (): boolean => condition() || this.#closed || this.#ended;
    const options: WaitOptions = { bell: this.#bell, progress: () => this.#receivedBytes + this.#flushedBytes - this.#waitingBytes() };
    if (patienceMs !== undefined) options.patienceMs = patienceMs;
    const result = await this.#subject.until(over, options);
    if (condition()) return;
    // A connection that broke may be the first sign of a process that is dying.
    if ((this.#closed || this.#ended) && (await this.#subject.turn())) throw this.#failed('closed early', { received: this.describe(), ...details });
    throw this.failure(this.#subject.exited ? 'exited' : result === 'met' ? 'blocked' : result, details);
  }

  /** Bytes that the kernel has not taken yet. A large write gets on piece by piece, and is flushed only at its end. */
  #waitingBytes(): number {
    const { _handle: handle } = this.#socket as unknown as { _handle?: { writeQueueSize?: number } | null };
    return handle?.writeQueueSize ?? 0;
  }

  /** Waits until `length` bytes have come, and gives them. */
  async read(length: number, report: Partial<FailureReport> = {}): Promise<Buffer> {
    await this.until(() => this.#receivedBytes >= length, {
      expected: `${count(length, 'byte')}`,
      ...report,
    });
    return this.received.subarray(0, length);
  }

  /** Waits until the server has sent its FIN, and gives all that came before. */
  async readToEnd(report: Partial<FailureReport> & { patienceMs?: number } = {}): Promise<Buffer> {
    await this.until(() => this.#ended, { expected: 'the server ends its side of the connection (FIN)', ...report });
    return this.received;
  }

  /** Waits until exactly these bytes have come, and fails at the first wrong one. */
  async expectBytes(expected: Uint8Array | string, report: Partial<FailureReport> = {}): Promise<void> {
    const wanted = Buffer.from(expected as string);
    let nextChunk = 0;
    let compared = 0;
    let difference: number | undefined;
    const done = (): boolean => {
      for (; nextChunk < this.#chunks.length && difference === undefined; nextChunk++) {
        const chunk = this.#chunks[nextChunk] as Buffer;
        const at = firstDifference(chunk, wanted.subarray(compared, compared + chunk.length));
        if (at !== undefined) difference = compared + at;
        compared += chunk.length;
      }
      return difference !== undefined || compared >= wanted.length;
    };
    await this.until(done, { expected: showBytes(wanted), ...report });
    if (difference === undefined) return;
    throw this.wrongBytes(wanted, difference, report);
  }

  /** The report for a byte that is not what it should be. */
  wrongBytes(wanted: Buffer, offset: number, report: Partial<FailureReport> = {}): CheckFailure {
    const { text, mark } = markBytes(this.received, offset);
    return this.#failed('wrong bytes', {
      received: text,
      mark,
      expected: `${markBytes(wanted, offset).text} (byte ${offset + 1} of ${count(wanted.length, 'byte')} is the first that differs)`,
      ...report,
    });
  }

  /** Fails if anything but `bytes` has come once the server has had time for more. */
  async expectNoMoreThan(length: number, report: Partial<FailureReport> = {}): Promise<void> {
    await this.#subject.settle();
    if (this.#receivedBytes <= length) return;
    const { text, mark } = markBytes(this.received, length);
    throw this.#failed('wrong bytes', { received: text, mark, expected: `nothing after ${count(length, 'byte')}`, ...report });
  }

  /** The report for a wait that was not met. */
  failure(result: WaitResult, report: Partial<FailureReport> = {}): CheckFailure {
    if (result !== 'silent') return this.#subject.failure(result, 'silent', { sent: this.describeSent(), ...report });
    return this.#failed('silent', { received: this.describe(), ...report });
  }

  #failed(kind: FailureReport['kind'], report: Partial<FailureReport> & { received: string }): CheckFailure {
    const { lastLines } = this.#subject;
    return new CheckFailure({
      kind,
      sent: this.describeSent(),
      ...(lastLines.length > 0 ? { lastLines } : {}),
      ...report,
    });
  }

  /** What was done, on one line. */
  describeSent(): string {
    const label = this.#label === '' ? '' : `${this.#label}: `;
    const bytes = this.#sentBytes === 0 ? 'nothing' : showBytes(this.#sentHead, 52);
    const total = this.#sentBytes > REMEMBERED_BYTES ? ` (${count(this.#sentBytes, 'byte')} in all)` : '';
    const events = this.#story.length > 0 ? ` ${[...new Set(this.#story)].join(' ')}` : '';
    return `${label}${bytes}${total}${events}`;
  }

  /** What came back and how it ended, on one line. */
  describe(): string {
    const bytes = this.#receivedBytes === 0 ? 'nothing' : showBytes(this.received.subarray(0, REMEMBERED_BYTES), 44, this.#receivedBytes);
    if (this.#error) return `${bytes}, then ${this.#error.code === 'ECONNRESET' ? 'a reset (RST)' : String(this.#error.code ?? this.#error.message)}`;
    if (this.#ended) return `${bytes}, then the connection was closed`;
    if (this.#closed) return `${bytes}, then the connection was gone`;
    return this.#receivedBytes === 0 ? 'nothing: the connection is open and silent' : `${bytes}, then nothing more`;
  }

  #remember(bytes: Buffer): void {
    this.#sentBytes += bytes.length;
    if (this.#sentHead.length >= REMEMBERED_BYTES) return;
    this.#sentHead = Buffer.concat([this.#sentHead, bytes.subarray(0, REMEMBERED_BYTES - this.#sentHead.length)]);
  }
}
