/** How the tests wait: for what must happen, and, where nothing must, for what comes after it. */

import { once } from 'node:events';
import { connect } from 'node:net';

/** Long enough for a busy machine; whatever takes longer never happens. */
const PATIENCE_MS = 20_000;
const STANDSTILL_ROUND_TRIPS = 10;

/** Waits, turn by turn of the event loop, until something is so. @throws Error after twenty seconds */
export async function until(condition: () => boolean, what = 'what must happen'): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise(setImmediate);
  }
}

/**
 * A request on another connection, without the Host that RFC 9112 §3.2 asks for: the server refuses it itself. When the
 * answer is here, everything that came before has had its turn.
 */
export async function roundTrip(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\n\r\n'));
  await once(socket.resume(), 'close');
}

/** Makes round trips until the value has stayed the same over ten of them, and gives it. */
export async function standstill(port: number, value: () => number): Promise<number> {
  let last = value();
  for (let same = 0; same < STANDSTILL_ROUND_TRIPS; same++) {
    await roundTrip(port);
    const now = value();
    if (now !== last) same = -1;
    last = now;
  }
  return last;
}
