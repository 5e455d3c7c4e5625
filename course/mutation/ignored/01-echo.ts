/** Chapter 01: what no hidden test can or should notice. */
import type { Ignored } from './entry.ts';

export const ignoredInChapter01: readonly Ignored[] = [
  {
    file: '01-echo/echo.ts',
    line: 'createServer({ allowHalfOpen: true, noDelay: true })',
    reason: 'the same from outside: an echo is written before Node would send our FIN, and Nagle changes only when bytes leave',
  },
  {
    file: '01-echo/line-server.ts',
    line: 'createServer({ allowHalfOpen: true, noDelay: true })',
    reason: 'the same from outside: onLine answers at once, before Node would send our FIN, and Nagle changes only when bytes leave',
  },
  {
    file: '01-echo/echo.ts',
    line: "socket.on('error', () => socket.destroy())",
    mutators: ['ArrowFunction'],
    reason: 'the same: Node has destroyed the socket by the time it reports the error (autoDestroy); what counts is the listener',
  },
  {
    file: '01-echo/line-server.ts',
    line: "socket.on('error', () => socket.destroy())",
    mutators: ['ArrowFunction'],
    reason: 'the same: Node has destroyed the socket by the time it reports the error (autoDestroy); what counts is the listener',
  },
  {
    file: '01-echo/close.ts',
    line: 'connections.get(server) ?? []',
    mutators: ['ArrayDeclaration'],
    reason: 'for a server that nobody tracks, which this chapter does not make',
  },
  {
    file: '01-echo/line-decoder.ts',
    line: 'super(`line longer than',
    reason: 'the wording of a message',
  },
  {
    file: '01-echo/line-decoder.ts',
    line: "this.name = 'LineTooLongError'",
    reason: 'tests recognise the error by its class too, so a right answer may leave out the name',
  },
  {
    file: '01-echo/line-decoder.ts',
    line: 'this.#pending.length === 0 ? chunk',
    mutators: ['ConditionalExpression'],
    replacements: ['false'],
    reason: 'saves a copy and nothing else',
  },
  {
    file: '01-echo/listen.ts',
    line: "is in use: stop the program",
    reason: 'the wording of a message',
  },
  { file: '01-echo/listen.ts', line: 'is not an address of this machine', reason: 'the wording of a message' },
  { file: '01-echo/listen.ts', line: 'needs more rights', reason: 'the wording of a message' },
  { file: '01-echo/listen.ts', line: 'cannot be resolved to an address', reason: 'the wording of a message' },
  { file: '01-echo/listen.ts', line: 'const ADVICE', reason: 'the wording of messages' },
  {
    file: '01-echo/listen.ts',
    line: "const advice = ADVICE[cause.code ?? '']",
    reason: 'the wording of a message',
  },
];
