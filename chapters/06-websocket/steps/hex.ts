/**
 * Bytes as people read them: sixteen to a line, and beside them those that are text. Of many lines, only the first and
 * the last.
 */
export function hexLines(bytes: Uint8Array, arrow: string): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = Buffer.from(bytes.subarray(at, at + 16));
    const hex = part.toString('hex').replaceAll(/..(?=.)/g, '$& ');
    const text = part.toString('latin1').replaceAll(/[^ -~]/g, '.');
    lines.push(`${at === 0 ? arrow : ' '} ${hex.padEnd(47)}  ${text}`.trimEnd());
  }
  if (lines.length > 6) lines.splice(2, lines.length - 4, `  … (${bytes.length} bytes)`);
  return lines.join('\n');
}
