/**
 * An application that follows a script: what it accepts, sends and receives in which order is written by the test.
 *
 * It runs in the process of the code under test, and knows the server by the interface of applications alone.
 */
import type * as Chapter from '#subject/06-websocket/index.ts';
import type { Probe } from './stage.ts';

/** One thing that the application does. */
export type Step =
  | { do: 'accept' }
  /** Sends one message and awaits it. */
  | { do: 'send'; data: string }
  /**
   * Sends messages of these lengths in one turn, text and binary in turn, and awaits all of them; none where they are
   * forgotten.
   */
  | { do: 'burst'; lengths: readonly number[]; letters: string; forgotten?: boolean }
  /** Sends `count` messages of `bytes` bytes, each awaited; a message begins with its number. */
  | { do: 'flood'; count: number; bytes: number }
  /** Waits until the test opens it. */
  | { do: 'gate'; name: string }
  /** Receives this many messages. */
  | { do: 'receive'; count: number }
  /** Receives to the end, and tells how it ended. */
  | { do: 'drain' }
  /** Sends back what it receives, to the end. */
  | { do: 'echo' }
  /** As `drain`, beside what follows. */
  | { do: 'drain beside' }
  | { do: 'close'; code?: number; reason?: string }
  | { do: 'throw'; message: string };

/** Follows a script for one WebSocket; what comes of it is noted as `who: what`. */
export class Follower {
  readonly #who: string;
  readonly #receive: Chapter.Receive;
  readonly #send: Chapter.Send;
  readonly #probe: Probe;
  readonly #counts: Map<string, number>;
  readonly #beside: Promise<void>[] = [];

  /** @param counts how far each sender's flood has come */
  constructor(who: string, receive: Chapter.Receive, send: Chapter.Send, probe: Probe, counts: Map<string, number>) {
    this.#who = who;
    this.#receive = receive;
    this.#send = send;
    this.#probe = probe;
    this.#counts = counts;
  }

  async follow(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.#take(step);
    await Promise.all(this.#beside);
  }

  async #take(step: Step): Promise<void> {
    switch (step.do) {
      case 'accept':
        await this.#send({ type: 'websocket.accept' });
        return this.#note('open');
      case 'send':
        return await this.#send({ type: 'websocket.send', data: step.data });
      case 'burst': {
        const sent = this.#burst(step.lengths, step.letters);
        if (step.forgotten === true) return void sent.catch(() => {});
        return void (await sent);
      }
      case 'flood':
        return await this.#flood(step.count, step.bytes);
      case 'gate':
        return await this.#probe.pass(step.name);
      case 'receive':
        return await this.#listen(step.count);
      case 'drain':
        return await this.#listen(Infinity);
      case 'drain beside':
        return void this.#beside.push(this.#listen(Infinity));
      case 'echo':
        return await this.#listen(Infinity, true);
      case 'close':
        return await this.#close(step);
      case 'throw':
        throw new Error(step.message);
      default:
        return step satisfies never;
    }
  }

  #burst(lengths: readonly number[], letters: string): Promise<unknown> {
    return Promise.all(lengths.map((length, index) => {
      const text = numbered(index, length, letters);
      return this.#send({ type: 'websocket.send', data: index % 2 === 0 ? text : Buffer.from(text) });
    }));
  }

  async #close({ code, reason }: { code?: number; reason?: string }): Promise<void> {
    try {
      await this.#send({ type: 'websocket.close', ...(code !== undefined && { code }), ...(reason !== undefined && { reason }) });
      this.#note('closes');
    } catch (error) {
      // The other side may have been quicker.
      if ((error as Error).name !== 'DisconnectError') throw error;
      this.#note('was closed already');
    }
  }

  async #flood(count: number, bytes: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const data = Buffer.alloc(bytes, index & 0xff);
      data.writeUInt32BE(index, 0);
      await this.#send({ type: 'websocket.send', data });
      this.#counts.set(this.#who, index + 1);
    }
    this.#note('flooded');
  }

  async #listen(count: number, echoes = false): Promise<void> {
    for (let left = count; left > 0;) {
      const event = await this.#receive();
      if (event.type === 'websocket.disconnect') return this.#note(`disconnect ${event.code} ${event.reason}`.trimEnd());
      if (event.type !== 'websocket.receive') continue;
      left--;
      this.#note(`message ${shown(event.data)}`);
      if (echoes) await this.#send({ type: 'websocket.send', data: event.data });
    }
  }

  #note(what: string): void {
    this.#probe.note(`${this.#who}: ${what}`);
  }
}

/** The message with this number in a burst. */
export function numbered(index: number, length: number, letters: string): string {
  const number = `${index} `;
  return number + letters.repeat(Math.ceil(length / letters.length)).slice(0, Math.max(0, length - number.length));
}

/** Its beginning, and how long it was where that is not all. */
function shown(data: string | Buffer): string {
  const text = typeof data === 'string' ? data : data.toString('latin1');
  return text.length <= 60 ? text : `${text.slice(0, 40)}… (${text.length})`;
}
