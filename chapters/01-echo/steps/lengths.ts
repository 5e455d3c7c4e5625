/** A decoder for messages that begin with their length: `npx tsx chapters/01-echo/steps/lengths.ts`. */
type LengthEvent = { readonly type: 'message'; readonly text: string } | { readonly type: 'needData' };

// #region decoder
class LengthDecoder {
  #pending: Buffer = Buffer.alloc(0);

  receiveData(bytes: Uint8Array): void {
    this.#pending = Buffer.concat([this.#pending, bytes]);
  }

  nextEvent(): LengthEvent {
    const length = this.#pending[0]; // The first byte says how many follow.
    if (length === undefined || this.#pending.length < 1 + length) return { type: 'needData' };
    const text = this.#pending.toString('utf8', 1, 1 + length);
    this.#pending = this.#pending.subarray(1 + length);
    return { type: 'message', text };
  }
}
// #endregion decoder

// #region feeding
const decoder = new LengthDecoder();
for (const piece of ['\x05he', 'llo\x03', 'you\x06grü']) {
  decoder.receiveData(Buffer.from(piece));
  for (let event = decoder.nextEvent(); event.type === 'message'; event = decoder.nextEvent()) {
    console.log(event.text);
  }
}
// #endregion feeding
