/**
 * A message that many peers are sent: encoded once for all of them.
 */

export class SharedMessage {
  readonly data: string | Uint8Array;

  constructor(data: string | Uint8Array) {
    this.data = data;
  }
}
