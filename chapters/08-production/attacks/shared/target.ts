/** Where an attack is aimed: a server on this machine, and never on another one. */

import { connect } from 'node:net';
import type { NetConnectOpts, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';

import { Client } from './client.ts';

export interface TargetOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** What an ordinary request asks for. */
  readonly path: string;
  readonly connections: number;
  readonly seconds: number;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface Answer {
  /** After how many milliseconds the response began. */
  readonly ms: number;
  readonly status: number;
}

/** How long somebody who comes by chance waits for an answer, and how often they try: on a busy machine, any server may be late once. */
const PATIENCE_MS = 10_000;
const TRIES = 3;
/** Between two of their tries. */
const AGAIN_MS = 300;
/** How often a condition is looked at. */
const LOOK_MS = 10;
/** This many connections are made at a time: more would be too many for the queue of any server. */
const AT_ONCE = 100;

export class Target {
  readonly options: TargetOptions;
  readonly #sockets = new Set<Socket>();

  constructor(options: TargetOptions) {
    this.options = options;
  }

  /** The lines and fields that any request has, without the empty line after them. */
  head(method = 'GET', path = this.options.path): string {
    return `${method} ${path} HTTP/1.1\r\nHost: localhost:${this.options.port}\r\n`;
  }

  /** A connection without TLS, whatever the server speaks. It may turn out to be closed. @param more such as `onread` */
  async connect(more: Partial<NetConnectOpts> = {}, reads = true): Promise<Client> {
    const { host, port } = this.options;
    return await this.#opened(connect({ ...more, host, port }), 'connect', reads);
  }

  /** A connection that is ready for requests: secured, if the server speaks HTTPS. */
  async open(more: ConnectionOptions = {}, reads = true): Promise<Client> {
    if (!this.options.tls) return await this.connect({}, reads);
    return await this.#opened(this.#secured(more), 'secureConnect', reads);
  }

  /** As many of them as the attack has. */
  async openAll(open: () => Promise<Client> = async () => await this.open()): Promise<Client[]> {
    const clients: Client[] = [];
    while (clients.length < this.options.connections && !this.options.signal.aborted) {
      const count = Math.min(AT_ONCE, this.options.connections - clients.length);
      clients.push(...(await Promise.all(Array.from({ length: count }, open))));
    }
    return clients;
  }

  /**
   * An ordinary request of somebody else: from another address, where the system has one.
   *
   * @returns `null` if none of several tries had a response
   */
  async ask(): Promise<Answer | null> {
    let answer = await this.#askOnce();
    for (let tries = 1; answer === null && tries < TRIES && !this.options.signal.aborted; tries++) {
      await this.until(() => false, AGAIN_MS);
      answer = await this.#askOnce();
    }
    return answer;
  }

  async #askOnce(): Promise<Answer | null> {
    const startedMs = performance.now();
    const elsewhere = process.platform === 'linux' && this.options.host === '127.0.0.1' ? { localAddress: '127.0.0.2' } : {};
    const { host, port } = this.options;
    const raw = connect({ host, port, ...elsewhere }).on('error', () => undefined);
    const client = this.options.tls ? await this.#opened(this.#secured({ socket: raw }), 'secureConnect', true) : await this.#opened(raw, 'connect', true);
    client.write(`${this.head()}Connection: close\r\n\r\n`);
    await this.until(() => client.status !== null || !client.isOpen, PATIENCE_MS);
    client.socket.destroy();
    raw.destroy();
    return client.status === null ? null : { ms: client.respondedAtMs - startedMs, status: client.status };
  }

  /** Waits until it is so, but not for longer, and not after Ctrl-C. @returns whether it is so */
  async until(isSo: () => boolean, ms: number): Promise<boolean> {
    for (const startedMs = performance.now(); !isSo() && performance.now() - startedMs < ms && !this.options.signal.aborted;) await sleep(LOOK_MS);
    return isSo();
  }

  /** Closes whatever the attack has open. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #secured(more: ConnectionOptions): Socket {
    const { host, port } = this.options;
    // The certificate of a server that one is writing is signed by nobody.
    return connectTls({ rejectUnauthorized: false, servername: 'localhost', host, port, ...more });
  }

  /** Resolves when the connection is there, when it turns out that it is not going to be, or when patience is at its end. */
  async #opened(socket: Socket, event: 'connect' | 'secureConnect', reads: boolean): Promise<Client> {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const client = new Client(socket, reads);
    const isThere = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), PATIENCE_MS);
      const stop = (isThere: boolean) => (): void => {
        clearTimeout(timer);
        resolve(isThere);
      };
      socket.once(event, stop(true)).once('close', stop(false));
    });
    if (!isThere) {
      client.isOpen = false;
      socket.destroy();
    }
    return client;
  }
}
