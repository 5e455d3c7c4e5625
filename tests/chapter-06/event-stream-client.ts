/**
 * A client of server-sent events, by the HTML standard ("Server-sent events", "Interpreting an event stream"). It shares
 * nothing with any server: chunks, lines and fields are read here.
 */
import { check, CheckFailure } from '#support/failure.ts';
import type { FailureReport } from '#support/failure.ts';
import { requestBytes } from '#support/http-client.ts';
import type { Address, TcpClient, TcpClientOptions } from '#support/tcp-client.ts';

export interface DispatchedEvent {
  readonly type: string;
  readonly data: string;
  readonly lastEventId: string;
}

/** What a page would see of a stream. */
export class EventParser {
  readonly events: DispatchedEvent[] = [];
  /** Lines that say nothing to a page. */
  comments = 0;
  /** How long to wait before coming back, as the stream says. */
  retryMs: number | null = null;
  lastEventId = '';
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  #line = '';
  #afterCr = false;
  #idBuffer = '';
  #data = '';
  #type = '';

  /** @throws TypeError for bytes that are not UTF-8 */
  receive(bytes: Uint8Array): void {
    const decoded = this.#decoder.decode(bytes, { stream: true });
    if (decoded === '') return;
    // An LF after a CR ends the same line, also where it comes later.
    const text = this.#afterCr && decoded.startsWith('\n') ? decoded.slice(1) : decoded;
    this.#afterCr = decoded.endsWith('\r');
    const lines = text.split(/\r\n|\r|\n/);
    for (const line of lines.slice(0, -1)) {
      this.#line += line;
      this.#endLine();
    }
    this.#line += lines.at(-1)!;
  }

  #endLine(): void {
    const line = this.#line;
    this.#line = '';
    if (line === '') this.#dispatch();
    else if (line.startsWith(':')) this.comments++;
    else this.#field(line);
  }

  #field(line: string): void {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.#type = value;
    else if (name === 'data') this.#data += `${value}\n`;
    else if (name === 'id' && !value.includes('\0')) this.#idBuffer = value;
    else if (name === 'retry' && /^[0-9]+$/.test(value)) this.retryMs = Number(value);
  }

  #dispatch(): void {
    this.lastEventId = this.#idBuffer;
    if (this.#data !== '') {
      const data = this.#data.slice(0, -1);
      this.events.push({ type: this.#type === '' ? 'message' : this.#type, data, lastEventId: this.lastEventId });
    }
    this.#data = '';
    this.#type = '';
  }
}

export class EventStreamClient {
  readonly tcp: TcpClient;
  readonly parser = new EventParser();
  /** The head of the response, when it is there. */
  head = '';
  #at = 0;
  #left = 0;
  /** The last chunk has come. */
  complete = false;

  private constructor(tcp: TcpClient) {
    this.tcp = tcp;
  }

  /** Asks for a stream, and waits for its head. */
  static async open(
    world: { connect: (address: Address, options?: TcpClientOptions) => Promise<TcpClient> },
    address: Address,
    path: string,
    lastEventId?: string,
  ): Promise<EventStreamClient> {
    const client = new EventStreamClient(await world.connect(address, { label: path }));
    const id = lastEventId === undefined ? [] : [['Last-Event-ID', Buffer.from(lastEventId).toString('latin1')] as const];
    client.tcp.write(requestBytes('GET', path, { fields: [['Accept', 'text/event-stream'], ...id] }));
    await client.until(() => client.head !== '', { expected: 'the head of the response, before there is an event' });
    check(/^HTTP\/1\.1 200 /.test(client.head) && /\r\ncontent-type: *text\/event-stream/i.test(client.head), {
      sent: `GET ${path}`, received: client.head.split('\r\n\r\n')[0] ?? '', expected: '200, and Content-Type: text/event-stream',
    });
    check(/\r\ntransfer-encoding: *chunked/i.test(client.head), { sent: `GET ${path}`, received: client.head, expected: 'a body in chunks, for nobody knows its length' });
    return client;
  }

  get events(): readonly DispatchedEvent[] {
    return this.parser.events;
  }

  get data(): string[] {
    return this.events.map(({ data }) => data);
  }

  /** Waits until it is so. */
  async until(condition: () => boolean, report: Partial<FailureReport> & { patienceMs?: number } = {}): Promise<void> {
    let broken: unknown;
    const met = (): boolean => {
      try {
        this.#read();
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
    if (broken instanceof CheckFailure) throw broken;
    if (broken !== undefined) throw new CheckFailure({ kind: 'wrong bytes', received: String(broken), expected: 'a stream of events in UTF-8' });
  }

  async untilEvents(count: number, report: Partial<FailureReport> = {}): Promise<void> {
    await this.until(() => this.events.length >= count, { expected: `${count} events`, ...report });
  }

  #read(): void {
    const { received } = this.tcp;
    if (this.head === '') {
      const end = received.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.head = received.toString('latin1', 0, end + 4);
      this.#at = end + 4;
    }
    while (!this.complete && this.#readChunk(received));
  }

  /** A part of a chunk's data, or the line before it; false when there is nothing more to read now. */
  #readChunk(received: Buffer): boolean {
    if (this.#left > 0) {
      const part = received.subarray(this.#at, this.#at + this.#left);
      if (part.length === 0) return false;
      this.#at += part.length;
      this.#left -= part.length;
      this.parser.receive(part);
      if (this.#left === 0) this.#left = -2;
      return true;
    }
    if (this.#left < 0) {
      if (received.length < this.#at + 2) return false;
      if (received.toString('latin1', this.#at, this.#at + 2) !== '\r\n') throw this.#broken('a chunk that does not end where it should');
      this.#at += 2;
      this.#left = 0;
    }
    const end = received.indexOf('\r\n', this.#at);
    if (end < 0) return false;
    const line = received.toString('latin1', this.#at, end);
    if (!/^[0-9a-f]+$/i.test(line)) throw this.#broken(`the chunk size ${JSON.stringify(line)}`);
    this.#left = parseInt(line, 16);
    this.#at = end + 2;
    if (this.#left === 0) this.complete = true;
    return true;
  }

  #broken(received: string): CheckFailure {
    return new CheckFailure({ kind: 'wrong bytes', received, expected: 'a body in chunks (RFC 9112 §7.1)' });
  }

  /** What a page has seen, for a report. */
  describe(): string {
    const { events, comments } = this.parser;
    const last = events.at(-1);
    const shown = last === undefined ? '' : `, the last of them ${JSON.stringify(last).slice(0, 100)}`;
    const end = this.complete ? 'the end of the response' : this.tcp.ended || this.tcp.closed ? 'the connection broke off' : 'nothing more';
    return `${events.length} events${shown}, ${comments} comments, then ${end}`;
  }
}
