/**
 * A client of bytes: it says what it is told to, and sees what comes back as it comes.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

import { HttpConnection } from '../../../solutions/02-http/index.ts';
import type { ResponseEvent } from '../../../solutions/02-http/index.ts';
import { clientFrame, readServerOutput } from '../cases/index.ts';
import type { Frame, ServerOutput } from '../cases/index.ts';

export const handshakeFields: readonly (readonly [string, string])[] = [
  ['Host', 'localhost'],
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ['Sec-WebSocket-Version', '13'],
];

/** The fields of a handshake, with some replaced (`null`: left out) or added. */
export function fieldsWith(changes: Readonly<Record<string, string | readonly string[] | null>>): [string, string][] {
  const kept = handshakeFields.filter(([name]) => !(name in changes)) as [string, string][];
  const changed = Object.entries(changes).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((one): [string, string] => [name, one as string]));
  return [...kept, ...changed];
}

/** Sends a head, and gives the response's. */
export async function ask(origin: string, head: string): Promise<{ response: ResponseEvent; socket: Socket; rest: Buffer }> {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1');
  socket.on('error', () => {});
  const machine = new HttpConnection({ role: 'client' });
  machine.send({ type: 'request', method: 'GET', target: '/', headers: [['Host', 'x']] });
  machine.send({ type: 'end' });
  socket.write(head, 'latin1');
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    machine.receiveData(chunk);
    const event = machine.nextEvent();
    if (event.type === 'response' || event.type === 'informational') return { response: event, socket, rest: machine.takeInput() };
  }
}

export function headOf(fields: readonly (readonly [string, string])[], line = 'GET / HTTP/1.1'): string {
  return `${line}\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

export class RawClient {
  readonly socket: Socket;
  readonly response: ResponseEvent;
  /** Grown by doubling: it is looked at every turn. */
  #bytes = Buffer.alloc(64 * 1024);
  #length = 0;
  readonly ended: Promise<unknown>;

  private constructor(socket: Socket, response: ResponseEvent, rest: Buffer) {
    this.socket = socket;
    this.response = response;
    this.#push(rest);
    socket.on('data', (chunk: Buffer) => this.#push(chunk));
    this.ended = new Promise((resolve) => {
      socket.on('end', resolve).on('close', resolve);
    });
  }

  static async open(origin: string, changes: Parameters<typeof fieldsWith>[0] = {}): Promise<RawClient> {
    const { response, socket, rest } = await ask(origin, headOf(fieldsWith(changes)));
    if (response.status !== 101) throw new Error(`no 101: ${response.status}`);
    return new RawClient(socket, response, rest);
  }

  get received(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  get output(): ServerOutput {
    return readServerOutput(this.received);
  }

  send(...frames: Frame[]): void {
    this.socket.write(Buffer.concat(frames.map((frame) => clientFrame(frame))));
  }

  #push(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (length > this.#bytes.length) this.#bytes = Buffer.concat([this.received], 2 * length);
    this.#bytes.set(chunk, this.#length);
    this.#length = length;
  }
}
