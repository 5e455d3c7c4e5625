/**
 * A WebSocket's client that gathers what comes, frame by frame, and answers pings unless it is told not to.
 */
import { CheckFailure } from '#support/failure.ts';
import type { FailureReport } from '#support/failure.ts';
import type { Address, TcpClient } from '#support/tcp-client.ts';
import { close, pong } from './cases/index.ts';
import type { Frame, ServerFrame } from './cases/index.ts';
import { WsClient } from './ws-client.ts';
import type { HandshakeOptions, WsWorld } from './ws-client.ts';

/** As much of a world as is needed here. */
export type PeerWorld = WsWorld;

export interface PeerOptions {
  /** More fields of the handshake. */
  readonly fields?: HandshakeOptions['fields'];
  /** Answers pings as they are read. Default true. */
  readonly pongs?: boolean;
}

/** A message of the server's, whole. */
export interface ServerMessage {
  readonly type: 'text' | 'binary';
  readonly data: Buffer;
  /** RSV1 was set: it is deflated. */
  readonly deflated: boolean;
}

export interface ServerClose {
  /** 1005 for a Close frame without a code. */
  readonly code: number;
  readonly reason: string;
}

export class PeerClient {
  readonly ws: WsClient;
  readonly tcp: TcpClient;
  readonly messages: ServerMessage[] = [];
  readonly pings: Buffer[] = [];
  readonly pongs: Buffer[] = [];
  /** The server's Close frame; `null` as long as there is none. */
  closed: ServerClose | null = null;
  readonly #answersPings: boolean;
  #fragments: ServerFrame[] = [];

  private constructor(ws: WsClient, answersPings: boolean) {
    this.ws = ws;
    this.tcp = ws.tcp;
    this.#answersPings = answersPings;
  }

  /** Opens a WebSocket. */
  static async open(world: PeerWorld, address: Address, path: string, { fields = {}, pongs = true }: PeerOptions = {}): Promise<PeerClient> {
    return new PeerClient(await WsClient.open(world, address, { path, fields, label: path }), pongs);
  }

  /** Sends frames in one write, each with a mask of its own. */
  send(...frames: readonly Frame[]): this {
    this.ws.send(...frames);
    return this;
  }

  /** The bytes after the handshake. */
  get bytes(): Buffer {
    return this.tcp.received.subarray(this.ws.response.end);
  }

  /** Messages as text. */
  get texts(): string[] {
    return this.messages.map(({ data }) => data.toString());
  }

  /** Reads what has come. @throws CheckFailure for what a server must not send */
  read(): void {
    for (let frame = this.ws.takeFrame(); frame !== null; frame = this.ws.takeFrame()) this.#take(frame);
  }

  #take(frame: ServerFrame): void {
    const { opcode, payload } = frame;
    if (opcode === 9) {
      this.pings.push(payload);
      if (this.#answersPings && !this.tcp.closed) this.send(pong(payload));
    } else if (opcode === 10) {
      this.pongs.push(payload);
    } else if (opcode === 8) {
      if (this.closed !== null) throw this.#broken('a second Close frame', 'one Close frame from each side (RFC 6455 §5.5.1)');
      this.closed = readClose(payload);
    } else {
      if (this.closed !== null) throw this.#broken('data after the Close frame', 'no data after a Close frame (RFC 6455 §5.5.1)');
      this.#takeData(frame);
    }
  }

  #takeData(frame: ServerFrame): void {
    if (frame.opcode > 2 || (frame.opcode === 0) !== (this.#fragments.length > 0)) {
      throw this.#broken(`a frame with the opcode ${frame.opcode} that is out of place`, 'whole messages (RFC 6455 §5.4)');
    }
    this.#fragments.push(frame);
    if (!frame.fin) return;
    const [first] = this.#fragments as [ServerFrame];
    const data = this.#fragments.length === 1 ? frame.payload : Buffer.concat(this.#fragments.map(({ payload }) => payload));
    this.messages.push({ type: first.opcode === 1 ? 'text' : 'binary', data, deflated: first.rsv1 });
    this.#fragments = [];
  }

  #broken(received: string, expected: string): CheckFailure {
    return new CheckFailure({ kind: 'wrong bytes', sent: this.tcp.describeSent(), received, expected });
  }

  /** Reads until it is so. */
  async until(condition: () => boolean, report: Partial<FailureReport> & { patienceMs?: number } = {}): Promise<void> {
    let broken: unknown;
    const met = (): boolean => {
      try {
        this.read();
      } catch (error) {
        broken = error;
      }
      return broken !== undefined || condition();
    };
    try {
      await this.tcp.until(met, report);
    } catch (error) {
      if (!(error instanceof CheckFailure) || error.report.kind === 'exited' || error.report.kind === 'blocked') throw error;
      throw new CheckFailure({ ...error.report, received: this.describe() });
    }
    if (broken !== undefined) throw broken as Error;
  }

  /** Waits for this many messages. */
  async untilMessages(count: number, report: Partial<FailureReport> = {}): Promise<void> {
    await this.until(() => this.messages.length >= count, { expected: `${count} messages`, ...report });
  }

  /** Waits for the server's Close frame. */
  async untilClose(report: Partial<FailureReport> & { patienceMs?: number } = {}): Promise<ServerClose> {
    await this.until(() => this.closed !== null, { expected: 'a Close frame', ...report });
    return this.closed!;
  }

  /** Answers the server's Close frame, and waits for the end of the connection. */
  async answerClose(report: Partial<FailureReport> = {}): Promise<void> {
    const { code } = await this.untilClose(report);
    this.send(code === 1005 ? close() : close(code));
    await this.untilEnd(report);
  }

  /** Waits until the server has ended its side, and ends its own. */
  async untilEnd(report: Partial<FailureReport> & { patienceMs?: number } = {}): Promise<void> {
    await this.untilServerEnds(report);
    this.tcp.end();
  }

  /** Waits until the server has ended its side, and leaves its own as it is. */
  async untilServerEnds(report: Partial<FailureReport> & { patienceMs?: number } = {}): Promise<void> {
    await this.until(() => this.tcp.ended || this.tcp.closed, { expected: 'the server ends the connection (RFC 6455 §7.1.1)', ...report });
  }

  /** What has come, for a report. */
  describe(): string {
    const parts = [
      `${this.messages.length} message${this.messages.length === 1 ? '' : 's'}`,
      ...(this.pings.length > 0 ? [`${this.pings.length} ping${this.pings.length === 1 ? '' : 's'}`] : []),
      ...(this.pongs.length > 0 ? [`${this.pongs.length} pong${this.pongs.length === 1 ? '' : 's'}`] : []),
      this.closed === null ? 'no Close frame' : `Close ${this.closed.code} ${this.closed.reason}`.trimEnd(),
    ];
    const end = this.tcp.reset ? 'a reset (RST)' : this.tcp.ended ? 'the connection was ended' : 'nothing more';
    return `${parts.join(', ')}, then ${end}`;
  }
}

function readClose(payload: Buffer): ServerClose {
  if (payload.length === 0) return { code: 1005, reason: '' };
  return { code: payload.length === 1 ? 0 : payload.readUInt16BE(0), reason: payload.toString('utf8', 2) };
}
