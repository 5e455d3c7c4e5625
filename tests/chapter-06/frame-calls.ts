/**
 * Echo servers for frames. One is the machine alone, driven here, so that what a connection's life needs besides (its
 * closing handshake, its heartbeat) need not be written yet; the other is the whole server.
 */
import type { Socket } from 'node:net';
import type * as Http from '#subject/02-http/index.ts';
import type * as WebSocket from '#subject/06-websocket/index.ts';
import type { LoadChapter } from '#support/driver.ts';
import type { Address } from '#support/tcp-client.ts';
import type { Stage } from './stage.ts';

export interface FrameSetup {
  limits?: Partial<WebSocket.WebSocketLimits>;
  /** The machine is given what arrives in pieces of at most this many bytes. */
  pieceBytes?: number;
}

export interface EchoSetup {
  limits?: Partial<WebSocket.WebSocketLimits>;
  /** What the server would have of permessage-deflate. */
  deflate?: boolean | Partial<WebSocket.DeflateParameters>;
  /** Messages below this are not deflated. */
  deflateFromBytes?: number;
  deflateTuning?: WebSocket.DeflateTuning;
}

/** A text that begins like this is sent as a message that many could be sent. */
export const SHARED = 'to all: ';

export function frameCalls({ chapter }: Stage, load: LoadChapter) {
  async function listen(handler: Http.Handler): Promise<Address> {
    const http = (await load('02-http')) as typeof Http;
    const server = await http.serveHttp(handler, { host: '127.0.0.1', port: 0, onError: () => {} });
    return { host: '127.0.0.1', port: (server.address as { port: number }).port };
  }

  return {
    /** Messages come back, pings and Close frames are answered, and a failure is told by its code. */
    serveFrames: async ({ limits = {}, pieceBytes = Infinity }: FrameSetup = {}): Promise<Address> => {
      const http = (await load('02-http')) as typeof Http;
      return await listen((request) => {
        const offer = chapter.readHandshake(request);
        const { headers } = chapter.acceptHandshake(offer, {}, null);
        return http.HttpResponse.switchingProtocols(headers, (socket, head) => {
          const machine = new chapter.WebSocketConnection({ role: 'server', limits });
          new Echo(socket, machine, pieceBytes).receive(head);
        });
      });
    },

    /** The chapter's own server, of which an application wants its messages back. */
    serveEcho: async ({ limits = {}, deflate = false, deflateFromBytes, deflateTuning }: EchoSetup = {}): Promise<Address> => {
      const webSockets = new chapter.WebSockets({
        limits,
        deflate,
        onError: () => {},
        ...(deflateFromBytes === undefined ? {} : { deflateFromBytes }),
        ...(deflateTuning === undefined ? {} : { deflateTuning }),
      });
      return await listen((request) => webSockets.accept(webSockets.readOffer(request), {}, (peer) => {
        peer.onMessage = (message) => {
          const shared = typeof message === 'string' && message.startsWith(SHARED);
          peer.send(shared ? new chapter.SharedMessage(message) : message);
        };
      }));
    },

    /** What a client makes of bytes that it is sent: its events, and the code with which it fails. */
    clientReads: (bytes: string): string[] => {
      const machine = new chapter.WebSocketConnection({ role: 'client' });
      machine.receiveData(Buffer.from(bytes, 'hex'));
      const events: string[] = [];
      try {
        for (let event = machine.nextEvent(); event.type === 'message' || event.type === 'ping'; event = machine.nextEvent()) {
          events.push(`${event.type} ${event.data.toString()}`);
        }
      } catch (error) {
        if (!isFailure(error)) throw error;
        events.push(`fails with ${error.closeCode}`);
      }
      return events;
    },

    /** The most memory that this process has had so far, in bytes. */
    memoryPeak: (): number => process.resourceUsage().maxRSS * 1024,
  };
}

/** Sits between a socket and the machine. */
class Echo {
  readonly #socket: Socket;
  readonly #machine: WebSocket.WebSocketConnection;
  readonly #pieceBytes: number;
  #over = false;

  constructor(socket: Socket, machine: WebSocket.WebSocketConnection, pieceBytes: number) {
    this.#socket = socket;
    this.#machine = machine;
    this.#pieceBytes = pieceBytes;
    socket.on('error', () => {}).on('data', (chunk: Buffer) => this.receive(chunk)).on('end', () => socket.end());
  }

  receive(chunk: Buffer): void {
    this.#socket.cork();
    for (let at = 0; at < chunk.length && !this.#over; at += this.#pieceBytes) {
      this.#machine.receiveData(chunk.subarray(at, at + this.#pieceBytes));
      this.#act();
    }
    this.#socket.uncork();
    if (this.#over) this.#socket.end();
  }

  #act(): void {
    try {
      while (!this.#over && this.#step());
    } catch (error) {
      if (!isFailure(error)) throw error;
      // Where there is a code, the machine lets it be told (RFC 6455 §7.1.7).
      this.#socket.write(this.#machine.send({ type: 'close', code: error.closeCode }));
      this.#over = true;
    }
  }

  #step(): boolean {
    const event = this.#machine.nextEvent();
    switch (event.type) {
      case 'message':
        this.#socket.write(this.#machine.send({ type: 'message', data: event.data }));
        return true;
      case 'ping':
        this.#socket.write(this.#machine.send({ type: 'pong', data: event.data }));
        return true;
      case 'pong':
        return true;
      case 'close':
        this.#socket.write(this.#machine.send({ type: 'close', code: event.code }));
        this.#over = true;
        return false;
      default:
        return false;
    }
  }
}

function isFailure(error: unknown): error is Error & { closeCode: number } {
  return error instanceof Error && 'closeCode' in error && typeof error.closeCode === 'number';
}
