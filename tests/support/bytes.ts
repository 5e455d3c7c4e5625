/**
 * Bytes as a person can read them, on one line, with a mark under the wrong one.
 */

const NAMES: Readonly<Record<number, string>> = {
  0x00: '␀', 0x09: '␉', 0x0a: '␊', 0x0b: '␋', 0x0c: '␌', 0x0d: '␍', 0x1b: '␛', 0x7f: '␡',
};

/** One byte as one visible sign, or as `\xNN`. */
function showByte(byte: number): string {
  const name = NAMES[byte];
  if (name !== undefined) return name;
  if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte);
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

/**
 * Bytes as text: control characters by their signs (`␍␊`), others beyond ASCII as `\xNN`.
 *
 * @param totalBytes how many there are in all, where `bytes` is only their beginning
 */
export function showBytes(bytes: Uint8Array, columns = 60, totalBytes: number = bytes.length): string {
  let shown = '';
  for (let index = 0; index < bytes.length; index++) {
    const next = showByte(bytes[index] as number);
    if (shown.length + next.length > columns - 1) {
      return `${shown}… (${count(totalBytes, 'byte')})`;
    }
    shown += next;
  }
  return shown === '' ? 'nothing' : shown;
}

/** `1 byte`, `2 bytes`, `8 MiB`. */
export function count(value: number, noun: string): string {
  if (noun === 'byte' && value >= 1 << 20 && value % (1 << 20) === 0) return `${value / (1 << 20)} MiB`;
  return `${value.toLocaleString('en')} ${noun}${value === 1 ? '' : 's'}`;
}

/** Where two byte strings part: the offset, or undefined where they are equal. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  if (Buffer.compare(a, b) === 0) return undefined;
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index++) if (a[index] !== b[index]) return index;
  return shared;
}

export interface MarkedBytes {
  /** A window of the bytes around the offset. */
  readonly text: string;
  /** As wide as `text`, with `^` under the byte at the offset. */
  readonly mark: string;
}

/** The bytes around `offset` and a line with `^` under it. */
export function markBytes(bytes: Uint8Array, offset: number, columns = 60): MarkedBytes {
  const start = Math.max(0, offset - Math.floor(columns / 4));
  let text = start > 0 ? '…' : '';
  let mark = start > 0 ? ' ' : '';
  for (let index = start; index <= bytes.length; index++) {
    const shown = index < bytes.length ? showByte(bytes[index] as number) : '';
    if (text.length + shown.length > columns - 1) {
      text += '…';
      break;
    }
    text += shown;
    if (index < offset) mark += ' '.repeat(shown.length);
    else if (index === offset) mark += '^'.repeat(Math.max(1, shown.length));
  }
  return { text, mark };
}
