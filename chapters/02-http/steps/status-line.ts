/** Two ways to read a status line: `npx tsx chapters/02-http/steps/status-line.ts`. */

interface StatusLine {
  version: string;
  status: number;
  reason: string;
}

// #region lenient
function lenient(line: string): StatusLine {
  const [version, status, ...reason] = line.split(/\s+/);
  return { version: version!, status: parseInt(status!), reason: reason.join(' ') };
}
// #endregion lenient

// #region strict
/** `HTTP-version SP 3DIGIT SP [ reason-phrase ]` (RFC 9112 §4) */
function strict(line: string): StatusLine {
  if (!line.startsWith('HTTP/1.1 ')) throw new Error('no version that we know');
  const statusStart = 9;
  let statusEnd = statusStart;
  while (isDigit(line.charCodeAt(statusEnd))) statusEnd++;
  if (statusEnd - statusStart !== 3) throw new Error('no status of three digits');
  if (line[statusEnd] !== ' ') throw new Error('no space after the status');
  return { version: '1.1', status: Number(line.slice(statusStart, statusEnd)), reason: line.slice(statusEnd + 1) };
}
// #endregion strict

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function tell(parse: (line: string) => StatusLine, line: string): string {
  try {
    const { status, reason } = parse(line);
    return `${status} ${JSON.stringify(reason)}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const lines = ['HTTP/1.1 200 OK', 'HTTP/1.1  200 OK', 'HTTP/1.1 200OK', 'HTTP/1.1\u000b200 OK', 'HTTP/1.1 0x200 OK', 'Hello, world'];
for (const line of lines) {
  console.log(`${JSON.stringify(line).padEnd(23)} lenient: ${tell(lenient, line).padEnd(10)} strict: ${tell(strict, line)}`);
}
