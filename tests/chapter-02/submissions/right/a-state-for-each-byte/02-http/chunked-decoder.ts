/** Chunked bodies as a state machine over bytes. */

import { chunkLineBytesMax, parseChunkLine } from './chunk-line.ts';
import { RemoteProtocolError } from './errors.ts';
import { needMoreData } from './events.ts';
import type { DataEvent, EndEvent, NeedMoreData } from './events.ts';
import { parseFieldSection } from './field-line.ts';
import { HttpHeaders } from './headers.ts';
import type { InputBuffer } from './input-buffer.ts';
import { defaultLimits } from './limits.ts';
import type { HttpLimits } from './limits.ts';
import { allowedTrailers } from './trailers.ts';

type State = 'line' | 'line feed' | 'data' | 'data CR' | 'data LF' | 'trailers' | 'end';

/** Where bytes come from: the connection's input, or a list of our own. */
interface Source {
  readonly length: number;
  take(max: number): Buffer;
}

export class ChunkedDecoder {
  readonly #limits: HttpLimits;
  readonly #input: Source;
  #own = Buffer.alloc(0);
  #state: State = 'line';
  #text = '';
  #left = 0;
  #bodyBytes = 0;
  #extensionBytes = 0;
  #error: RemoteProtocolError | null = null;

  constructor(limits: HttpLimits = defaultLimits, input?: InputBuffer) {
    this.#limits = limits;
    const own = (): Buffer => this.#own;
    this.#input = input ?? {
      get length() {
        return own().length;
      },
      take: (max) => {
        const taken = this.#own.subarray(0, max);
        this.#own = this.#own.subarray(max);
        return taken;
      },
    };
  }

  receiveData(bytes: Uint8Array): void {
    this.#own = Buffer.concat([this.#own, bytes]);
  }

  unread(): Buffer {
    return Buffer.from(this.#input.take(this.#input.length));
  }

  nextEvent(): DataEvent | EndEvent | NeedMoreData {
    if (this.#error) throw this.#error;
    try {
      while (this.#input.length > 0) {
        if (this.#state === 'data') return this.#data();
        const end = this.#byte((this.#input.take(1)[0] as number));
        if (end) return end;
      }
      return needMoreData;
    } catch (error) {
      if (error instanceof RemoteProtocolError) this.#error = error;
      throw error;
    }
  }

  #data(): DataEvent {
    const data = this.#input.take(this.#left);
    this.#left -= data.length;
    if (this.#left === 0) this.#state = 'data CR';
    return { type: 'data', data };
  }

  #byte(byte: number): EndEvent | undefined {
    switch (this.#state) {
      case 'line':
        if (byte === 0x0d) this.#state = 'line feed';
        else {
          this.#text += String.fromCharCode(byte);
          if (byte === 0x0a) refuse();
          if (this.#text.length > chunkLineBytesMax(this.#limits.chunkExtensionBytesMax - this.#extensionBytes)) throw new RemoteProtocolError(413, 'a chunk line too long');
        }
        return undefined;
      case 'line feed':
        if (byte !== 0x0a) refuse();
        this.#chunk();
        return undefined;
      case 'data CR':
        if (byte !== 0x0d) refuse();
        this.#state = 'data LF';
        return undefined;
      case 'data LF':
        if (byte !== 0x0a) refuse();
        this.#state = 'line';
        return undefined;
      case 'trailers':
        return this.#trailer(byte);
      default:
        return refuse();
    }
  }

  #chunk(): void {
    const size = parseChunkLine(this.#text);
    this.#extensionBytes += this.#text.replace(/^[0-9a-f]+/i, '').length;
    if (this.#extensionBytes > this.#limits.chunkExtensionBytesMax) throw new RemoteProtocolError(413, 'too many chunk extensions');
    this.#text = '';
    this.#bodyBytes += size;
    if (this.#bodyBytes > this.#limits.bodyBytesMax) throw new RemoteProtocolError(413, 'the body is too large');
    this.#left = size;
    this.#state = size === 0 ? 'trailers' : 'data';
  }

  #trailer(byte: number): EndEvent | undefined {
    this.#text += String.fromCharCode(byte);
    // Looked at when a line may have ended, or when it is too long.
    if (byte !== 0x0a && this.#text.length <= this.#limits.trailerBytesMax) return undefined;
    const offsets: number[] = [];
    const end = parseFieldSection(this.#text, 0, this.#limits.trailerBytesMax, this.#limits.trailerCountMax, offsets);
    if (end === -1) return undefined;
    this.#state = 'end';
    return { type: 'end', trailers: allowedTrailers(new HttpHeaders(this.#text, offsets)) };
  }
}

function refuse(): never {
  throw new RemoteProtocolError(400, 'no chunk');
}
