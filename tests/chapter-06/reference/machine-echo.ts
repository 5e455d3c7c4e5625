/** An echo server made of a WebSocketConnection and nothing else, and what it must pass. */
import { expect, test } from 'vitest';
import { WebSocketConnection, WebSocketError } from '../../../solutions/06-websocket/index.ts';
import type { WebSocketConnectionOptions } from '../../../solutions/06-websocket/index.ts';
import { runCase, sizeCasesBytesMax, sizeCasesFragmentsMax } from '../cases/index.ts';
import type { EchoSubject, FrameCase } from '../cases/index.ts';

export const limits = {
  frameBytesMax: sizeCasesBytesMax,
  messageBytesMax: sizeCasesBytesMax,
  fragmentsMax: sizeCasesFragmentsMax,
};

export class MachineEcho implements EchoSubject {
  readonly #machine: WebSocketConnection;
  readonly #sent: Buffer[] = [];
  done = false;

  constructor(options: WebSocketConnectionOptions = {}) {
    this.#machine = new WebSocketConnection(options);
  }

  output(): Buffer {
    return Buffer.concat(this.#sent);
  }

  receive(bytes: Buffer): void {
    const machine = this.#machine;
    machine.receiveData(bytes);
    try {
      for (let event = machine.nextEvent(); event.type !== 'need-more-data'; event = machine.nextEvent()) {
        if (event.type === 'message') this.#sent.push(machine.send(event));
        else if (event.type === 'ping') this.#sent.push(machine.send({ type: 'pong', data: event.data }));
        else if (event.type === 'close') this.#sent.push(machine.send({ type: 'close', code: event.code }));
        else if (event.type === 'end') break;
      }
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      this.#sent.push(machine.send({ type: 'close', code: error.closeCode }));
    }
    // After a Close frame it must take everything and answer nothing; after a failure, that is tested elsewhere.
    this.done = machine.state === 'closed';
  }
}

/** Declares a test for each case. */
export function passes(cases: readonly FrameCase[]): void {
  for (const frameCase of cases) {
    test(`${frameCase.id} ${frameCase.title} (${frameCase.section})`, () => {
      for (const delivery of ['whole', 'byte by byte', 'in parts'] as const) {
        expect(runCase(frameCase, new MachineEcho({ limits }), delivery), delivery).toBeNull();
      }
    });
  }
}
