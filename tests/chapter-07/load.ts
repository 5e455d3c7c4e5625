/**
 * Clients that never stop asking, and keep books: what became of each request.
 *
 * They ask once more only where nothing was lost: on a new connection after a response that said `Connection: close`.
 * A request that was sent and not answered is lost, and so is one for which there was no connection to be had. None of
 * them is repeated: a server that leaves it to its clients to try again gets found out.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Bell } from '#support/bell.ts';
import { count } from '#support/bytes.ts';
import { check } from '#support/failure.ts';
import { requestBytes } from '#support/http-client.ts';
import { HttpFault, readResponse, saysClose } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address } from '#support/tcp-client.ts';
import { PATIENT_MS } from './stage.ts';
import type { Answerer, TestWorld } from './stage.ts';

export interface LoadOptions {
  /** Clients that keep their connection. Default 3. */
  keepAlive?: number;
  /** Clients with a new connection for each request. Default 3. */
  oneShot?: number;
  /** The longest pause between two requests of a client, in milliseconds; each is random. Default 15. */
  pauseMs?: number;
  target?: string;
}

export type Outcome =
  | 'answered'
  /** Connecting failed. */
  | 'refused'
  /** It was sent, and the connection ended before any byte of an answer. */
  | 'unanswered'
  /** The answer broke off. */
  | 'cut'
  /** The answer was not the application's. */
  | 'wrong'
  /** The server ended a connection on which nothing was under way, and had not said so with its last answer. */
  | 'hung up';

export interface Entry {
  readonly client: string;
  /** Which request of its connection, from 1. */
  readonly number: number;
  readonly outcome: Outcome;
  readonly by: Answerer | null;
  /** From sending, or connecting, to the end. */
  readonly waitedMs: number;
  readonly what: string;
}

export class Load {
  readonly entries: Entry[] = [];
  readonly #world: TestWorld;
  readonly #address: Address;
  readonly #options: Required<LoadOptions>;
  readonly #bell = new Bell();
  #going = true;
  #running = 0;
  #answered = 0;

  constructor(world: TestWorld, address: Address, options: LoadOptions = {}) {
    this.#world = world;
    this.#address = address;
    this.#options = { keepAlive: 3, oneShot: 3, pauseMs: 15, target: '/', ...options };
  }

  start(): this {
    const { keepAlive, oneShot } = this.#options;
    for (let index = 1; index <= keepAlive; index++) this.#begin(`keep-alive client ${index}`, true);
    for (let index = 1; index <= oneShot; index++) this.#begin(`one-shot client ${index}`, false);
    return this;
  }

  /** The number of answers so far, or of those that this is true for. */
  answers(by: (answerer: Answerer) => boolean = () => true): number {
    return this.entries.filter((entry) => entry.outcome === 'answered' && entry.by !== null && by(entry.by)).length;
  }

  /** Waits until the books say so, or fails. Only answers are progress: a server that is gone refuses for ever. */
  async until(holds: () => boolean, report: { sent: string; expected: string; likely?: string }): Promise<void> {
    const result = await this.#world.subject.until(holds, { bell: this.#bell, progress: () => this.#answered, patienceMs: PATIENT_MS });
    if (result !== 'met') check(holds(), { ...report, received: this.describe(), timed: true });
  }

  /** Waits for this many more answers, of anybody or of those that this is true for. */
  async more(answers: number, report: { sent: string; expected: string }, by?: (answerer: Answerer) => boolean): Promise<void> {
    const wanted = this.answers(by) + answers;
    await this.until(() => this.answers(by) >= wanted, report);
  }

  /** Lets each client finish what it is at. */
  async stop(): Promise<void> {
    this.#going = false;
    await this.until(() => this.#running === 0, { sent: 'the last requests', expected: 'an answer to each' });
  }

  /** Stops, and fails if a request was lost. */
  async stopAndExpectNoLoss(sent: string, likely?: string): Promise<void> {
    await this.stop();
    this.expectNoLoss(sent, likely);
  }

  /** Fails if a request was lost. */
  expectNoLoss(sent: string, likely?: string): void {
    const lost = this.entries.find(({ outcome }) => outcome !== 'answered');
    check(lost === undefined, {
      sent: `${sent}, under load`,
      received: `${this.describe()}; the first: ${lost?.client}, request ${lost?.number} on its connection: ${lost?.what}`,
      expected: 'an answer to every request, and `Connection: close` on the last one of a connection',
      ...(likely === undefined ? {} : { likely }),
    });
  }

  /** `212 answered, 3 unanswered`. */
  describe(): string {
    const outcomes = new Map<Outcome, number>();
    for (const { outcome } of this.entries) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    return [...outcomes].map(([outcome, times]) => `${times} ${outcome}`).join(', ') || 'nothing';
  }

  #begin(client: string, keepAlive: boolean): void {
    this.#running++;
    const run = async (): Promise<void> => {
      // A rule that has failed does not stop it.
      while (this.#going && !this.#world.subject.exited) {
        await this.#connection(client, keepAlive);
        await this.#pause();
      }
    };
    run().catch((error: unknown) => this.#note({ client, number: 0, outcome: 'wrong', by: null, waitedMs: 0, what: String(error) })).finally(() => {
      this.#running--;
      this.#bell.ring();
    }).catch(() => {});
  }

  async #pause(): Promise<void> {
    const ms = this.#world.random.integer(1, this.#options.pauseMs);
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** Requests on one connection until it ends. */
  async #connection(client: string, keepAlive: boolean): Promise<void> {
    const startedMs = performance.now();
    const line = new Line(this.#address);
    const note = (number: number, outcome: Outcome, what: string, by: Answerer | null = null, sinceMs = startedMs): void =>
      this.#note({ client, number, outcome, by, waitedMs: performance.now() - sinceMs, what });
    try {
      await line.changed(() => line.connected || line.over);
      if (!line.connected) return note(1, 'refused', `no connection (${line.fate})`);
      for (let number = 1; ; number++) {
        const sentMs = performance.now();
        line.socket.write(requestBytes('GET', this.#options.target, keepAlive ? {} : { fields: [['Connection', 'close']] }));
        let response: HttpTestResponse | null;
        try {
          response = await line.response();
        } catch (error) {
          if (!(error instanceof HttpFault)) throw error;
          return note(number, 'wrong', `an answer that breaks a rule: ${error.rule}`, null, sentMs);
        }
        if (response === null) {
          const begun = line.leftOver > 0;
          return note(number, begun ? 'cut' : 'unanswered', begun ? `the answer broke off (${line.fate})` : `no byte of an answer, but ${line.fate}`, null, sentMs);
        }
        const by = answererIn(response);
        if (by === null) return note(number, 'wrong', `${response.status}: ${response.body.toString('latin1').slice(0, 100)}`, null, sentMs);
        note(number, 'answered', 'answered', by, sentMs);
        if (!keepAlive || saysClose(response)) return;
        await this.#pause();
        if (!this.#going) return;
        if (line.over) return note(number + 1, 'hung up', `${line.fate} while the connection was idle; the last answer had not said \`Connection: close\``);
      }
    } finally {
      line.socket.destroy();
    }
  }

  #note(entry: Entry): void {
    this.entries.push(entry);
    if (entry.outcome === 'answered') this.#answered++;
    this.#bell.ring();
  }
}

/** One connection. */
class Line {
  readonly socket: Socket;
  readonly #bell = new Bell();
  connected = false;
  #ended = false;
  #closed = false;
  #error: NodeJS.ErrnoException | undefined;
  #bytes = Buffer.alloc(0);
  #at = 0;

  constructor(address: Address) {
    this.socket = connect({ ...address, noDelay: true, allowHalfOpen: true });
    const note = (change: () => void) => (): void => {
      change();
      this.#bell.ring();
    };
    this.socket.on('connect', note(() => (this.connected = true)));
    this.socket.on('end', note(() => (this.#ended = true)));
    this.socket.on('close', note(() => (this.#closed = true)));
    this.socket.on('error', (error) => {
      this.#error = error;
      this.#bell.ring();
    });
    this.socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), chunk]);
      this.#at = 0;
      this.#bell.ring();
    });
  }

  get over(): boolean {
    return this.#ended || this.#closed;
  }

  get leftOver(): number {
    return this.#bytes.length - this.#at;
  }

  get fate(): string {
    if (this.#error !== undefined) return this.#error.code === 'ECONNRESET' ? 'a reset (RST)' : String(this.#error.code ?? this.#error.message);
    return this.over ? 'the end of the connection (FIN)' : 'the connection is open';
  }

  async changed(holds: () => boolean): Promise<void> {
    while (!holds()) await this.#bell.wait(1000);
  }

  /** The next response; null where the connection has ended before it was whole. */
  async response(): Promise<HttpTestResponse | null> {
    for (;;) {
      const found = readResponse(this.#bytes, this.#at, 'GET', this.#ended);
      if (!('incomplete' in found)) {
        this.#at = found.end;
        if (found.status >= 200) return found;
      } else if (this.over) return null;
      else await this.#bell.wait(1000);
    }
  }
}

function answererIn(response: HttpTestResponse): Answerer | null {
  if (response.status !== 200) return null;
  try {
    return JSON.parse(response.body.toString('utf8')) as Answerer;
  } catch {
    return null;
  }
}

/** `worker 4711`, `2 workers`. */
export function showPids(pids: readonly number[]): string {
  return pids.length === 1 ? `worker ${pids[0]}` : `${count(pids.length, 'worker')} (${pids.join(', ')})`;
}
