/**
 * The clients of the ledger: four kinds, each with books of its own. Nothing in here knows which server it talks to.
 *
 * The policy, which decides what a loss is:
 *
 * - A request is sent only on a connection that is open as far as the client has heard, and never before the previous
 *   answer is there. Only GET, so a retry is allowed (RFC 9110 §9.2.2).
 * - It is sent again, on a new connection, only if the one before was reset or closed before any byte of the answer
 *   had come; at most RETRIES times. A connection that was refused is not tried again.
 * - A WebSocket has ended well if the server sends a Close frame with 1001 or 1012; an event stream, if its chunked body
 *   ends. Both are then opened anew. What is still open at the end must still be alive.
 */

import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';

import { WebSocket } from 'ws';

import { Random } from '../../../tests/support/random.ts';
import { answerBody } from './answer.ts';
import { Books } from './books.ts';
import type { Entry, Failure, Totals } from './books.ts';
import { Connection, isFailure, mayGoOn } from './connection.ts';
import type { Address } from './connection.ts';

export const kinds = ['new connection', 'keep-alive', 'WebSocket', 'event stream'] as const;
export type Kind = (typeof kinds)[number];

export interface ClientsOptions {
  readonly address: Address;
  /** How many clients of each kind. */
  readonly counts: Readonly<Record<Kind, number>>;
  readonly seed: number;
  /** How long a client waits for anything. */
  readonly patienceMs: number;
  /** What each request leaves behind in the worker's memory. */
  readonly leakKilobytes?: number;
  /** Each answer: the process it came from, and whether on a new connection. */
  readonly onAnswer?: (worker: number, isNew: boolean) => void;
}

/** What even a client that retries has lost. */
export interface Loss {
  readonly kind: Kind;
  readonly failure: Failure;
  /** The process that it was lost with, if that was known. */
  readonly worker: number | null;
}

const RETRIES = 3;
/** Between two requests of one client, at most: connections are idle about as often as busy. */
const PAUSE_MAX_MS = 40;
/** How long the handler waits: often not at all, now and then so long that a reload is over before. */
const HANDLER_MS = [0, 0, 0, 5, 20, 20, 100, 500] as const;
/** Most answers are one packet; some are so large that they can be cut in the middle. */
const BODY_BYTES = [20, 20, 20, 2_000, 300_000] as const;
const ECHO_EVERY_MS = 250;
const WELL_ENDED = new Set([1001, 1012]);
const OWN_FAULTS = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL']);

export class Clients {
  readonly #options: ClientsOptions;
  readonly #books = new Map<Kind, Books>(kinds.map((kind) => [kind, new Books()]));
  readonly #running: Promise<void>[] = [];
  readonly #stop = new AbortController();
  readonly #losses: Loss[] = [];
  /** What went wrong in a client itself: then nothing that was counted is of use. */
  #fault: Error | null = null;
  #requests = 0;
  #answers = 0;

  constructor(options: ClientsOptions) {
    this.#options = options;
    const start = { 'new connection': this.#visitor, 'keep-alive': this.#regular, WebSocket: this.#webSocket, 'event stream': this.#reader };
    for (const kind of kinds) {
      for (let number = 0; number < options.counts[kind]; number++) {
        const client = start[kind].call(this, new Random(`${options.seed} ${kind} ${number}`), this.#books.get(kind)!);
        this.#running.push(client.catch((error: unknown) => {
          this.#fault ??= error instanceof Error ? error : new Error(String(error));
        }));
      }
    }
  }

  /** Answers and other good ends so far. */
  get answers(): number {
    return this.#answers;
  }

  get losses(): readonly Loss[] {
    return this.#losses;
  }

  /** Requests that have ended so far, well or not. */
  get ended(): number {
    return [...this.#books.values()].reduce((sum, { ended }) => sum + ended, 0);
  }

  /** @throws what went wrong in a client, if anything did */
  check(): void {
    if (this.#fault !== null) throw this.#fault;
  }

  /** Sends nothing new, waits for all that has been sent, and closes the books. */
  async stop(): Promise<ReadonlyMap<Kind, Totals>> {
    this.#stop.abort();
    await Promise.all(this.#running);
    this.check();
    return new Map([...this.#books].filter(([kind]) => this.#options.counts[kind] > 0).map(([kind, books]) => [kind, books.totals()]));
  }

  /** Requests that come all at once, each on a connection of its own. `connected` resolves when all of them have one. */
  burst(count: number, seed: number): { connected: Promise<void>; ended: Promise<Totals> } {
    const books = new Books();
    const random = new Random(`${seed} burst`);
    const connections = Array.from({ length: count }, () => Connection.open(this.#options.address, this.#options.patienceMs));
    const connected = Promise.all(connections).then(() => undefined);
    const ended = Promise.all(connections.map(async (opening) => {
      await this.#ask(random, books, false, await opening);
    })).then(() => books.totals());
    return { connected, ended };
  }

  get #stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** A new connection for each request. */
  async #visitor(random: Random, books: Books): Promise<void> {
    while (!this.#stopping) {
      await this.#ask(random, books, false, null);
      await wait(random.integer(0, PAUSE_MAX_MS));
    }
  }

  /** One connection, as long as it lasts. */
  async #regular(random: Random, books: Books): Promise<void> {
    let connection: Connection | null = null;
    while (!this.#stopping) {
      connection = await this.#ask(random, books, true, connection);
      await wait(random.integer(0, PAUSE_MAX_MS));
      // What has come meanwhile, such as a FIN, is read before a request is sent.
      await turn();
    }
    connection?.destroy();
  }

  /** One request with its retries. Returns the connection if it may be used again. */
  async #ask(random: Random, books: Books, keepAlive: boolean, given: Connection | Failure | null): Promise<Connection | null> {
    const { address, patienceMs, leakKilobytes = 0, onAnswer } = this.#options;
    const id = ++this.#requests;
    const bytes = random.pick(BODY_BYTES);
    const path = `/n/${id}?ms=${random.pick(HANDLER_MS)}&bytes=${bytes}${leakKilobytes > 0 ? `&leak=${leakKilobytes}` : ''}`;
    const request = `GET ${path} HTTP/1.1\r\nHost: ${address.host}\r\n${keepAlive ? '' : 'Connection: close\r\n'}\r\n`;
    const expected = answerBody(id, bytes);
    const entry = books.enter();
    let connection = given instanceof Connection && !given.isOpen ? null : given;
    for (let attempt = 0; ; attempt++) {
      const isNew = connection !== given || !keepAlive;
      connection ??= await Connection.open(address, patienceMs);
      let outcome = isFailure(connection) ? connection : await connection.ask(request);
      if (!isFailure(outcome) && (outcome.status !== 200 || outcome.body.toString('latin1') !== expected)) outcome = 'wrong';
      if (!isFailure(outcome)) {
        entry.close(null);
        this.#answers++;
        if (!(connection instanceof Connection)) return null;
        if (connection.worker !== null) onAnswer?.(connection.worker, isNew);
        if (keepAlive && mayGoOn(outcome)) return connection;
        connection.destroy();
        return null;
      }
      const worker = connection instanceof Connection ? connection.worker : null;
      if (connection instanceof Connection) connection.destroy();
      connection = null;
      if (outcome !== 'reset' || attempt === RETRIES) {
        this.#lose(entry, keepAlive ? 'keep-alive' : 'new connection', outcome, worker);
        return null;
      }
      entry.failed(outcome);
    }
  }

  /** A WebSocket that says something now and then and must hear it again. */
  async #webSocket(random: Random, books: Books): Promise<void> {
    while (!this.#stopping) {
      const entry = books.enter();
      await this.#oneWebSocket(random, entry);
      await wait(random.integer(0, PAUSE_MAX_MS));
    }
  }

  async #oneWebSocket(random: Random, entry: Entry): Promise<void> {
    const { address, patienceMs } = this.#options;
    for (let attempt = 0; ; attempt++) {
      const begunMs = performance.now();
      const socket = new WebSocket(`ws://${address.host}:${address.port}/ws`, { handshakeTimeout: patienceMs, perMessageDeflate: false });
      let worker: number | null = null;
      socket.once('upgrade', ({ headers }) => (worker = Number(headers['x-worker'] ?? NaN)));
      const closed = new Promise<number>((resolve) => socket.once('close', resolve));
      const opened = await new Promise<Failure | null>((resolve, reject) => {
        socket.once('open', () => resolve(null));
        socket.on('error', (error: NodeJS.ErrnoException) => {
          if (OWN_FAULTS.has(error.code ?? '')) reject(error);
          else resolve(handshakeFailure(error));
        });
      });
      if (opened !== null) {
        if (opened !== 'reset' || attempt === RETRIES) return this.#lose(entry, 'WebSocket', opened, null);
        entry.failed(opened);
        continue;
      }
      entry.waited(performance.now() - begunMs);
      this.#answers++;
      const failure = await this.#talk(socket, closed, random, entry);
      return failure === null ? entry.close(null) : this.#lose(entry, 'WebSocket', failure, worker);
    }
  }

  async #talk(socket: WebSocket, closed: Promise<number>, random: Random, entry: Entry): Promise<Failure | null> {
    const ending = closed.then((code) => (WELL_ENDED.has(code) ? null : 'cut' as const));
    // At least one word: what is open at the end must still be alive.
    for (;;) {
      const lastOne = this.#stopping;
      const word = random.word(5, 60);
      const saidMs = performance.now();
      const heard = new Promise<Failure | null>((resolve) => socket.once('message', (data: Buffer) => resolve(data.toString() === word ? null : 'wrong')));
      const silence = new AbortController();
      const impatient = wait(this.#options.patienceMs, 'unanswered' as const, { signal: silence.signal }).catch(() => null);
      socket.send(word, () => undefined);
      const first = await Promise.race([
        heard.then((failure) => ({ over: failure !== null || lastOne, failure })),
        ending.then((failure) => ({ over: true, failure })),
        impatient.then((failure) => ({ over: true, failure })),
      ]);
      silence.abort();
      entry.waited(performance.now() - saidMs);
      if (first.over) {
        if (first.failure === null) socket.close();
        else socket.terminate();
        return first.failure;
      }
      const pause = await Promise.race([ending.then((failure) => ({ failure })), wait(ECHO_EVERY_MS, null, { signal: this.#stop.signal }).catch(() => null)]);
      if (pause !== null) return pause.failure;
    }
  }

  /** A reader of an event stream. */
  async #reader(random: Random, books: Books): Promise<void> {
    while (!this.#stopping) {
      const entry = books.enter();
      await this.#oneStream(entry);
      await wait(random.integer(0, PAUSE_MAX_MS));
    }
  }

  async #oneStream(entry: Entry): Promise<void> {
    const { address, patienceMs } = this.#options;
    const request = `GET /events HTTP/1.1\r\nHost: ${address.host}\r\nAccept: text/event-stream\r\n\r\n`;
    for (let attempt = 0; ; attempt++) {
      const connection = await Connection.open(address, patienceMs);
      let lastMs = performance.now();
      let toldToStop = false;
      let kept = false;
      const outcome = isFailure(connection) ? connection : await connection.follow(request, () => {
        entry.waited(performance.now() - lastMs);
        lastMs = performance.now();
        // An event that came after the end was wanted: it is still alive.
        if (toldToStop) {
          kept = true;
          connection.destroy();
        }
        toldToStop = this.#stopping;
      });
      if (kept) return entry.close(null);
      let failure = isFailure(outcome) ? outcome : null;
      if (!isFailure(outcome) && (outcome.status !== 200 || outcome.framing !== 'chunked')) failure = 'wrong';
      if (failure === null) {
        this.#answers++;
        return entry.close(null);
      }
      if (failure !== 'reset' || attempt === RETRIES) {
        return this.#lose(entry, 'event stream', failure, isFailure(connection) ? null : connection.worker);
      }
      entry.failed(failure);
    }
  }

  #lose(entry: Entry, kind: Kind, failure: Failure, worker: number | null): void {
    entry.close(failure);
    this.#losses.push({ kind, failure, worker });
  }
}

function handshakeFailure(error: NodeJS.ErrnoException): Failure {
  if (error.code === 'ECONNREFUSED') return 'refused';
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE' || error.message === 'socket hang up') return 'reset';
  if (error.message === 'Opening handshake has timed out') return 'unanswered';
  return 'wrong';
}
