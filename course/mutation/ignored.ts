/**
 * Mutants that no hidden test can or should notice, each with the reason.
 *
 * What belongs here: a change that cannot be told apart from outside, a word in
 * a message whose wording is free, a step that only saves time. What does not:
 * behaviour for which a rule is missing.
 */
import type { Mutant } from './mutants.ts';

export interface Ignored {
  /** Below `solutions/`. */
  readonly file: string;
  /** A part of the source line in which the mutant begins. */
  readonly line: string;
  /** Narrows it to these kinds of change. */
  readonly mutators?: readonly string[];
  /** Narrows it to changes into exactly one of these. */
  readonly replacements?: readonly string[];
  /** Narrows it to changes of exactly this. */
  readonly original?: string;
  readonly reason: string;
}

export const ignored: readonly Ignored[] = [
  // Chapter 01
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
    reason: 'the same: Node has destroyed the socket when it tells the error (autoDestroy); what counts is the listener',
  },
  {
    file: '01-echo/line-server.ts',
    line: "socket.on('error', () => socket.destroy())",
    mutators: ['ArrowFunction'],
    reason: 'the same: Node has destroyed the socket when it tells the error (autoDestroy); what counts is the listener',
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
    reason: 'tests know the error by its class too, so that a right answer may leave the name out',
  },
  {
    file: '01-echo/line-decoder.ts',
    line: 'this.#pending.length === 0 ? chunk',
    mutators: ['ConditionalExpression'],
    replacements: ['false'],
    reason: 'saves a copy and nothing else',
  },
  {
    file: '01-echo/line-decoder.ts',
    line: 'const length = end > 0',
    original: 'end > 0',
    replacements: ['true', 'end >= 0'],
    reason: 'the same: there is no byte before the first, and undefined is not CR',
  },
  {
    file: '01-echo/line-server.ts',
    line: "if (replies !== '' && !socket.write(replies))",
    original: "replies !== ''",
    replacements: ['true'],
    reason: 'the same: writing nothing sends nothing',
  },
  {
    file: '01-echo/line-server.ts',
    line: "if (replies !== '' && !socket.write(replies))",
    original: "''",
    reason: 'the same: writing nothing sends nothing',
  },
  {
    file: '01-echo/line-server.ts',
    line: 'socket.resume();',
    mutators: ['CallExpression'],
    original: 'socket.resume();',
    reason: 'the same: a stream that flows goes on flowing when its data listener is removed; written for the reader',
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

/** The entry that excuses a mutant, if there is one. */
export function excuseOf(mutant: Mutant): Ignored | undefined {
  return ignored.find((entry) =>
    entry.file === mutant.file
    && mutant.sourceLine.includes(entry.line)
    && (entry.mutators?.includes(mutant.mutator) ?? true)
    && (entry.replacements?.includes(mutant.replacement) ?? true)
    && (entry.original === undefined || entry.original === mutant.original));
}
