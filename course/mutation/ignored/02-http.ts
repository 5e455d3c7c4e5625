/** Chapter 02: what no hidden test can or should notice. */
import type { Ignored } from './entry.ts';

const WORDING = 'the wording of a message';
const SAVES = 'saves time or memory, and changes nothing that can be seen';
const END = 'the same: beyond the end of a text there is no character (NaN), and NaN is of no class';
const GUARDED = 'the same: the next step checks what this one does';
const TICKS = 'how finely time is looked at; a timeout may be late by two ticks, and tests allow for it';
const CHOICE = 'a choice of this server; tests accept the others';
const TYPES = 'for what the types do not allow';

export const ignoredInChapter02: readonly Ignored[] = [
  // Words
  { file: '10-bake-off/tuned/02-http/', line: ['Error(', 'Extension();'], mutators: ['StringLiteral'], original: /^(['"`]).* .*\1$/s, reason: WORDING },
  { file: '10-bake-off/tuned/02-http/errors.ts', line: 'override readonly name', reason: 'the name of a class, for anyone who reads a stack trace' },
  { file: '10-bake-off/tuned/02-http/http-server.ts', line: ["const where = request === null", 'console.error(`error'], reason: WORDING },
  { file: '10-bake-off/tuned/02-http/response-status.ts', line: ["'"], mutators: ['StringLiteral'], reason: 'reason phrases are free, and clients ignore them (RFC 9112 §4)' },
  { file: '10-bake-off/tuned/02-http/refusal.ts', line: ['const title =', 'const text = message'], reason: WORDING },
  { file: '10-bake-off/tuned/02-http/refusal.ts', line: 'text/plain; charset=utf-8', reason: 'the type of the text that explains a refusal is free' },
  { file: '10-bake-off/tuned/02-http/response.ts', line: 'const plainText', reason: 'the type of a text that no handler named is free' },
  { file: '10-bake-off/tuned/02-http/site.ts', line: ["page('Ten Servers'", "page('About'", '<!doctype html>'], mutators: ['StringLiteral'], reason: 'what the pages of the site say is free' },
  {
    file: '10-bake-off/tuned/02-http/site.ts',
    line: ["request.form === 'asterisk'", "request.method === 'OPTIONS'", 'const type = request.headers', "{ 'Content-Type': type }", 'return [...route.keys()'],
    reason: 'what the site says beyond its routes (OPTIONS, the type of an echo, the order of Allow) is free',
  },

  // Steps that only save time
  { file: '10-bake-off/tuned/02-http/server-connection.ts', line: ['JOINED_BYTES_MAX', 'joined &&', 'SLICE_BYTES'], reason: SAVES },
  {
    file: '10-bake-off/tuned/02-http/server-connection.ts',
    line: ['function hasContentLength', 'for (const header of headers)', 'header[0].length === 14', '  return false;'],
    reason: 'only chooses between two ways of sending a whole body; both keep its length, and a wrong one is cut or refused',
  },
  { file: '10-bake-off/tuned/02-http/server-connection.ts', line: ['.setNoDelay(true)', 'flushSoon()'], reason: 'when a small part leaves, not whether' },
  { file: '10-bake-off/tuned/02-http/server-connection.ts', line: ['if (sent === true) return true', 'response instanceof HttpResponse) this.#respond', 'isThenable(response)) this.#await', "value !== null && 'then' in value"], reason: SAVES },
  { file: '10-bake-off/tuned/02-http/socket-output.ts', line: ['GATHERED_MAX', '.cork()', '#flushScheduled', 'flushSoon(): void', 'setImmediate(() =>', 'this.#socket.destroyed) this.flush()'], reason: SAVES },
  { file: '10-bake-off/tuned/02-http/socket-output.ts', line: ["this.#gathered !== ''"], reason: 'the same: writing nothing sends nothing' },
  { file: '10-bake-off/tuned/02-http/socket-output.ts', line: ['this.#onSent === null ? undefined'], reason: 'the same: the callback checks for itself whether somebody is waiting' },
  { file: '10-bake-off/tuned/02-http/body-pump.ts', line: ['PARTS_IN_A_ROW', "typeof sent === 'boolean'", 'parts++'], reason: 'gives other connections their turn, or saves one' },
  { file: '10-bake-off/tuned/02-http/body-writer.ts', line: ['JOINED_BYTES_MAX', 'Buffer.byteLength(text) === text.length', 'Buffer.concat([Buffer.from(before'], reason: SAVES },
  { file: '10-bake-off/tuned/02-http/request-body.ts', line: 'parts.length === 1', reason: SAVES },
  { file: '10-bake-off/tuned/02-http/field-name.ts', line: ['known', 'names.'], reason: 'a cache: the name is the same without it' },
  { file: '10-bake-off/tuned/02-http/http-date.ts', line: ["let line = ''", 'let madeAtMs', 'nowMs - madeAtMs', 'madeAtMs = nowMs'], reason: 'when the line is made again within its second; that it goes on is tested' },
  { file: '10-bake-off/tuned/02-http/token-list.ts', line: ['value.length < token.length', "value.includes(',')"], reason: SAVES },
  { file: '10-bake-off/tuned/02-http/limits.ts', line: ['const complete', 'complete.has', 'complete.add'], reason: SAVES },
  { file: '10-bake-off/tuned/02-http/limits.ts', line: 'drainedBytesMax', mutators: ['ArithmeticOperator'], reason: 'how much of an unread body is drained is a choice; too little shows elsewhere' },
  { file: '10-bake-off/tuned/02-http/connection.ts', line: ['#mayHoldHead()', 'if (seen === 0', 'headBytesMax(this.limits)', 'if (bytes.length > 0)', 'input.length > 0 &&'], reason: SAVES },
  { file: '10-bake-off/tuned/02-http/request-head.ts', line: 'limits.emptyLinesMax * 2', reason: 'how many bytes are looked at in one go' },
  { file: '10-bake-off/tuned/02-http/input-buffer.ts', line: ["#text = ''", 'this.length === 0 ? bytes', 'this.#start >= this.#textStart', 'this.#start < this.#bytes.length', 'this.#windowBytes', 'indexOf(byte'], reason: SAVES },
  { file: '10-bake-off/tuned/02-http/chunked-decoder.ts', line: ['limits.trailerBytesMax + limits.chunkExtensionBytesMax', 'input.widen()) text', 'lineEnd === -1 && input.widen()', 'offsets.length === 0 ? noHeaders'], reason: SAVES },
  { file: '10-bake-off/tuned/02-http/chunked-decoder.ts', line: 'if (input.length === 0) return', reason: 'the same: nothing is looked for in nothing, and more is asked for' },
  { file: '10-bake-off/tuned/02-http/headers.ts', line: ['second === -1 ?', 'first + 4'], reason: SAVES },
  { file: '10-bake-off/tuned/02-http/deadlines.ts', line: ['TICK_MS_MAX', 'this.#nowMs + ms', 'member.deadlineMs <= this.#nowMs'], reason: TICKS },
  { file: '10-bake-off/tuned/02-http/deadlines.ts', line: ['this.#members.size > 0', 'clearInterval', 'if (this.#timer !== null) return'], reason: 'the timer is unref()ed: whether it runs on without members is not seen' },
  { file: '10-bake-off/tuned/02-http/http-server.ts', line: 'Math.min(...Object.values(timeouts))', reason: TICKS },

  // The end of a text
  { file: '10-bake-off/tuned/02-http/characters.ts', line: ['while (at < end', 'for (let at = start; at < end'], reason: END },
  { file: '10-bake-off/tuned/02-http/headers.ts', line: 'at < offsets.length; at += 4', mutators: ['EqualityOperator'], reason: END },
  { file: '10-bake-off/tuned/02-http/field-line.ts', line: ['valueStart < end', 'nameEnd === end'], reason: END },
  { file: '10-bake-off/tuned/02-http/field-line.ts', line: 'at === text.length || (at + 1', reason: 'the same: half a line end is not a line end, and more is asked for' },
  { file: '10-bake-off/tuned/02-http/request-line.ts', line: ['targetEnd === targetStart', 'major >= 1 && major <= 9'], reason: GUARDED },
  { file: '10-bake-off/tuned/02-http/request-head.ts', line: 'lineStart === text.length', reason: END },
  { file: '10-bake-off/tuned/02-http/lines.ts', line: ['lineEnd < start', 'lineFeed === -1 ?'], reason: GUARDED },
  { file: '10-bake-off/tuned/02-http/lines.ts', line: 'lineEnd - start > bytesMax', mutators: ['EqualityOperator'], reason: 'a limit is met exactly where the exercise says so (2.1); inside the head one byte more or less is free' },
  { file: '10-bake-off/tuned/02-http/chunk-line.ts', line: ['sizeEnd > SIZE_DIGITS_MAX', 'line.substring(0, sizeEnd)', 'size > Number.MAX_SAFE_INTEGER', 'if (sizeEnd < line.length)'], mutators: ['EqualityOperator', 'MethodExpression', 'ConditionalExpression'], replacements: ['sizeEnd >= SIZE_DIGITS_MAX', 'line', 'size >= Number.MAX_SAFE_INTEGER', 'true', 'sizeEnd <= line.length', 'false'], reason: GUARDED },
  { file: '10-bake-off/tuned/02-http/chunk-line.ts', line: ['if (at === nameStart)', 'if (end === start)', 'line.charCodeAt(at + escaped)', 'const plain', 'if (!plain'], reason: 'how strictly the inside of an extension is read is a choice, as long as it holds no CR and no LF' },
  { file: '10-bake-off/tuned/02-http/characters.ts', line: ["'\\\\^`{|}'", 'code < 256', 'const printable', 'code !== 0x22'], reason: 'which characters beyond the grammar are tolerated in targets and quoted strings is a choice' },
  { file: '10-bake-off/tuned/02-http/characters.ts', line: 'lowerCase[code] =', replacements: ['true', 'code < 0x5a'], reason: 'characters that no token has, and a letter that the tokens asked for do not have' },
  { file: '10-bake-off/tuned/02-http/authority.ts', line: ['spanOf(HEX_DIGIT, text, at + 1'], reason: 'how strictly a literal address or an escape in a host is read is a choice; what matters are delimiters, which are tested' },
  { file: '10-bake-off/tuned/02-http/authority.ts', line: 'isAuthority(text) && (classOf', reason: 'a server that is not a proxy answers CONNECT with 501: how strictly its target is read cannot be seen' },
  { file: '10-bake-off/tuned/02-http/trailers.ts', line: "',", mutators: ['StringLiteral'], reason: 'which fields beyond those of framing and routing are dropped from trailers is a choice; the list is that of RFC 9110 §6.5.1' },

  // Transitions that lead to where nothing happens any more
  { file: '10-bake-off/tuned/02-http/states.ts', line: ["closed: 'closed'"], reason: 'the end of the input after the last message: whether it is a state of its own is not seen from outside' },
  { file: '10-bake-off/tuned/02-http/connection.ts', line: ['const unreadable', '#persistent = true', '#awaitsContinue = false'], reason: 'the values before the first request, which sets them' },
  { file: '10-bake-off/tuned/02-http/connection.ts', line: ["this.#theirState = 'error'", 'this.#persistent = false;', 'if (this.#error !== null)', 'error instanceof RemoteProtocolError'], reason: GUARDED },
  { file: '10-bake-off/tuned/02-http/connection.ts', line: ["options.role ?? 'server'", 'if (this.#peerEnded) throw'], reason: TYPES },
  { file: '10-bake-off/tuned/02-http/connection.ts', line: 'if (event.status < 200)', reason: 'a handler that answers with 1xx: refused either way' },
  { file: '10-bake-off/tuned/02-http/events.ts', line: 'export const paused', reason: 'what it is called matters to nobody but its reader' },
  { file: '10-bake-off/tuned/02-http/server-connection.ts', line: ["#wait: Wait = 'nothing'", "if (this.#running)", 'this.#running = true', "'nothing'", "return 'send'", "case 'send'", "this.#wait = 'send'", "this.#wait = 'linger'"], mutators: ['StringLiteral', 'ConditionalExpression', 'BooleanLiteral'], reason: 'the name of a wait is asked for nowhere but for "header", "body" and "drain"; and nothing calls the loop from within' },
  { file: '10-bake-off/tuned/02-http/server-connection.ts', line: ["throw new LocalProtocolError('invalid body", "typeof body === 'string' ? Buffer.from(body)", 'body === null', 'Symbol.iterator in body'], reason: TYPES },
  { file: '10-bake-off/tuned/02-http/server-connection.ts', line: "this.#machine.send({ type: 'end' })", reason: 'a body of a length ends with its last byte: its end writes nothing' },
  {
    file: '10-bake-off/tuned/02-http/server-connection.ts',
    line: ['const expected = request !== null', 'this.#end(!expected', 'this.#end(true)', 'this.#end(false)', 'if (!linger &&', 'if (linger) this.#endAndLinger'],
    reason: 'whether the server waits for the client\'s FIN before it closes, or closes at once: the reply has gone either way, and a loaded connection is tested',
  },
  { file: '10-bake-off/tuned/02-http/server-connection.ts', line: ['if (this.#socket.writableLength > 0) this.#socket.end(wait)', 'if (this.#socket.writableLength === 0) wait()'], reason: 'when the wait for the last word begins; that it ends is tested' },
  { file: '10-bake-off/tuned/02-http/server-connection.ts', line: ['this.#ending || this.#intake.gone', 'this.#intake.gone || this.#ending', 'if (this.#ending) return'], reason: GUARDED },
  { file: '10-bake-off/tuned/02-http/server-connection.ts', line: ['wait !== \'nothing\' && wait !== \'send\''], reason: 'the same: resuming a socket that flows does nothing' },
  { file: '10-bake-off/tuned/02-http/server-connection.ts', line: ["socket.off('"], mutators: ['StringLiteral'], reason: 'the listeners that stay look at their own state and do nothing' },
  { file: '10-bake-off/tuned/02-http/server-connection.ts', line: ['bufferedBytes > this.#context.limits.pipelinedBytesMax', 'bytes > this.#context.limits.drainedBytesMax', 'this.#drainedBytes <= '], mutators: ['EqualityOperator'], reason: 'one byte more or less in a bound that nobody promised' },
];
