/**
 * The Date field (RFC 9110 §6.6.1), made at most once a second, and without a timer that would keep a process alive.
 */

const SECOND_MS = 1000;

let line = '';
let madeAtMs = -Infinity;

/** `Date: Sun, 06 Nov 1994 08:49:37 GMT` and CRLF, for now. */
export function dateLine(nowMs: number = Date.now()): string {
  // A clock that was set back makes a new line too.
  if (nowMs - madeAtMs >= SECOND_MS || nowMs < madeAtMs) {
    madeAtMs = nowMs - (nowMs % SECOND_MS);
    line = `Date: ${httpDate(nowMs)}\r\n`;
  }
  return line;
}

/** A time in the preferred format, IMF-fixdate (RFC 9110 §5.6.7). */
export function httpDate(timeMs: number): string {
  return new Date(timeMs).toUTCString();
}
