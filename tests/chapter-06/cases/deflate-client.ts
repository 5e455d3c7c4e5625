/**
 * The client of the deflated cases: zlib's own streams, kept from message to message, with the windows that were agreed
 * on. What a server makes of contexts in another way has to fit these.
 */

import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib';
import type { DeflateRaw, InflateRaw } from 'node:zlib';

import { clientFrame, fragments } from './frames.ts';

export interface AgreedParameters {
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  readonly serverMaxWindowBits: number;
  readonly clientMaxWindowBits: number;
}

/** The parameters that an answer names; those that it does not have their defaults (RFC 7692 §7.1). */
export function agreedParameters(answer: string): AgreedParameters {
  const bits = (name: string): number => Number(new RegExp(`${name}=(\\d+)`).exec(answer)?.[1] ?? 15);
  return {
    serverNoContextTakeover: answer.includes('server_no_context_takeover'),
    clientNoContextTakeover: answer.includes('client_no_context_takeover'),
    serverMaxWindowBits: bits('server_max_window_bits'),
    clientMaxWindowBits: bits('client_max_window_bits'),
  };
}

const flushTail = Buffer.from([0, 0, 0xff, 0xff]);

export class DeflateClient {
  readonly #agreed: AgreedParameters;
  readonly #deflate: DeflateRaw;
  readonly #inflate: InflateRaw;

  constructor(agreed: AgreedParameters) {
    this.#agreed = agreed;
    this.#deflate = createDeflateRaw({ windowBits: Math.max(9, agreed.clientMaxWindowBits) });
    this.#inflate = createInflateRaw({ windowBits: agreed.serverMaxWindowBits });
  }

  /** The frames of a message, deflated. */
  async frames(message: Buffer, text: boolean, fragmentBytes: number): Promise<Buffer> {
    if (this.#agreed.clientNoContextTakeover) this.#deflate.reset();
    const flushed = await through(this.#deflate, message);
    const deflated = flushed.subarray(0, flushed.length - flushTail.length);
    const parts = fragments(text ? 1 : 2, deflated, fragmentBytes === 0 ? deflated.length : fragmentBytes);
    return Buffer.concat(parts.map((part, i) => clientFrame({ ...part, rsv: i === 0 ? 4 : 0 })));
  }

  /** A message that came with RSV1. */
  inflate(payload: Buffer): Promise<Buffer> {
    if (this.#agreed.serverNoContextTakeover) this.#inflate.reset();
    return through(this.#inflate, Buffer.concat([payload, flushTail]));
  }

  close(): void {
    this.#deflate.close();
    this.#inflate.close();
  }
}

function through(stream: DeflateRaw | InflateRaw, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const onData = (part: Buffer): void => void parts.push(part);
    stream.on('data', onData).once('error', reject);
    stream.write(bytes);
    stream.flush(constants.Z_SYNC_FLUSH, () => {
      stream.off('data', onData).off('error', reject);
      resolve(Buffer.concat(parts));
    });
  });
}
