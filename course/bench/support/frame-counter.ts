/**
 * Counts the messages in what a server sends, and looks at their heads alone (RFC 6455 §5.2).
 */

const CONTROL = 0x8;
const FIN = 0x80;
const CLOSE = 0x8;

export class FrameCounter {
  readonly #bytes: number | null;
  /** Of the payload at hand. */
  #left = 0;
  #isLast = false;
  readonly #head = Buffer.alloc(10);
  #headBytes = 0;
  /** A Close frame has come, or a message that is not as long as it should be. */
  onFailure: () => void = () => undefined;

  /** @param bytes of each message; `null` where that is not known */
  constructor(bytes: number | null) {
    this.#bytes = bytes;
  }

  /** Goes on with the first `end` bytes of a chunk. Returns how many messages have ended in them. */
  count(chunk: Buffer, end: number): number {
    let ended = 0;
    let at = 0;
    while (at < end) {
      if (this.#left === 0) {
        if (!this.#takeHead(chunk[at++]!)) continue;
      } else {
        const part = Math.min(this.#left, end - at);
        this.#left -= part;
        at += part;
      }
      if (this.#left === 0 && this.#isLast) ended++;
    }
    return ended;
  }

  /** Takes a byte of the head; true if that was its last. */
  #takeHead(byte: number): boolean {
    const head = this.#head;
    head[this.#headBytes++] = byte;
    if (this.#headBytes < 2) return false;
    const short = head[1]!;
    if (this.#headBytes < (short < 126 ? 2 : short === 126 ? 4 : 10)) return false;
    this.#headBytes = 0;
    this.#left = short < 126 ? short : short === 126 ? head.readUInt16BE(2) : Number(head.readBigUInt64BE(2));
    const opcode = head[0]! & 0x0f;
    this.#isLast = opcode < CONTROL && (head[0]! & FIN) !== 0;
    if (opcode === CLOSE || (this.#bytes !== null && opcode < CONTROL && this.#left !== this.#bytes)) this.onFailure();
    return true;
  }
}
