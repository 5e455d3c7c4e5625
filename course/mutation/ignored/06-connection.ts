/** Chapter 06, one WebSocket: what no hidden test can or should notice. */
import type { Ignored } from './entry.ts';

const WORDING = 'the wording of a reason; a Close frame need not have one (RFC 6455 §5.5.1)';
const SAVES = 'saves time or memory, and changes nothing that can be seen';
const COPY = 'saves a copy: the bytes are the same';
const BOUND = 'one more or less in a bound that nobody promises';
const SET = 'the same: it is set before it is looked at';
const CLIENT = 'the half for a client, which is given: no rule of these exercises has a client, and the reference\'s own tests look at it';
const CHOICE = 'RFC 7692 §7.1.1 lets a server ask for this, whatever was offered';
const NAMED = 'RFC 7692 §7.1.2.1: whether a server names a window of its own that nobody has offered is its choice';
const HINT = 'RFC 7692 §7.1.1.2: that a client has offered it is a hint, which a server need not take';
const ZLIB_STOPS_SHORT = 'the same: zlib refers no further back than its window less 262 bytes, and so with 512 of them never beyond 256';
const ALWAYS_ASKS = '`send` may ask to wait when little waits, since `drained` says at once that there is room; the tests accept it';

const WORDS = /^(['"`]).* .*\1$/s;

export const ignoredInChapter06Connection: readonly Ignored[] = [
  // Words
  {
    file: '06-websocket/frame-reader.ts',
    line: ['new WebSocketError(1002, ', "new WebSocketError(1009, 'the frame is too long')"],
    mutators: ['StringLiteral'], original: WORDS, reason: WORDING,
  },
  { file: '06-websocket/message-reader.ts', line: ['new WebSocketError(100', 'const message = frame.opcode === CONTINUATION ?'], mutators: ['StringLiteral'], original: WORDS, reason: WORDING },
  { file: '06-websocket/message-reader.ts', line: 'const message = frame.opcode === CONTINUATION ?', mutators: ['ConditionalExpression', 'EqualityOperator'], reason: WORDING },
  { file: '06-websocket/ping-guard.ts', line: "new WebSocketError(1008, 'too many pings')", mutators: ['StringLiteral'], reason: WORDING },
  { file: '06-websocket/deflate.ts', line: 'new WebSocketError(100', mutators: ['StringLiteral'], original: WORDS, reason: WORDING },

  // frame-reader.ts
  { file: '06-websocket/frame-reader.ts', line: 'if (available < lengthEnd) return false', original: 'available < lengthEnd', replacements: ['available <= lengthEnd'], reason: 'a length is looked at one byte later; tests wait for the whole head' },
  { file: '06-websocket/frame-reader.ts', line: ['fin = false;', 'deflated = false;', 'ascii = false;'], mutators: ['BooleanLiteral'], original: 'false', replacements: ['true'], reason: SET },
  { file: '06-websocket/frame-reader.ts', line: 'get bufferedBytes(): number {', mutators: ['BlockStatement'], reason: COPY },
  { file: '06-websocket/frame-reader.ts', line: 'return this.bytes.length - this.#at;', mutators: ['ArithmeticOperator'], reason: COPY },
  { file: '06-websocket/frame-reader.ts', line: 'this.bytes = this.bufferedBytes === 0 ?', original: 'this.bufferedBytes === 0', replacements: ['false'], reason: COPY },
  { file: '06-websocket/frame-reader.ts', line: 'drop(): void {', mutators: ['BlockStatement'], reason: SAVES },
  { file: '06-websocket/frame-reader.ts', line: 'this.drop();', mutators: ['CallExpression'], original: 'this.drop();', reason: SAVES },
  { file: '06-websocket/frame-reader.ts', line: 'if (available === 0) this.drop();', original: 'available === 0', replacements: ['false'], reason: SAVES },
  { file: '06-websocket/frame-reader.ts', line: 'if (this.#masked) this.#key =', original: 'this.#masked', replacements: ['true'], reason: 'the same: where nothing is masked the key is not used' },

  // message-reader.ts
  { file: '06-websocket/message-reader.ts', line: '#deflated = false;', mutators: ['BooleanLiteral'], reason: SET },
  { file: '06-websocket/message-reader.ts', line: 'if (ends && this.#gatheredBytes === 0) {', original: 'ends && this.#gatheredBytes === 0', replacements: ['false'], reason: COPY },
  { file: '06-websocket/message-reader.ts', line: 'if (ends && this.#gatheredBytes === 0) {', mutators: ['BlockStatement'], reason: COPY },
  { file: '06-websocket/message-reader.ts', line: 'if (frame.ascii && (this.#utf8', original: /^frame\.ascii && \(.*\)$/, replacements: ['false'], reason: SAVES },
  { file: '06-websocket/message-reader.ts', line: 'const KEPT_FROM_BYTES =', mutators: ['ArithmeticOperator'], reason: SAVES },
  { file: '06-websocket/message-reader.ts', line: 'if (partBytes >= KEPT_FROM_BYTES) {', mutators: ['ConditionalExpression', 'EqualityOperator'], reason: 'the same message: parts are kept or copied, as it costs less' },
  { file: '06-websocket/message-reader.ts', line: 'if (bytes > this.#collected.length) {', replacements: ['true', 'bytes >= this.#collected.length'], reason: COPY },
  { file: '06-websocket/message-reader.ts', line: 'if (this.#collectedBytes > 0) this.#parts.push', replacements: ['true', 'this.#collectedBytes >= 0'], reason: 'the same: a part of no bytes' },
  { file: '06-websocket/message-reader.ts', line: 'return this.#parts.length === 1 ?', original: 'this.#parts.length === 1', replacements: ['false'], reason: COPY },
  { file: '06-websocket/message-reader.ts', line: 'if (this.#parts.length > 0) this.#parts = []', replacements: ['true', 'this.#parts.length >= 0'], reason: SAVES },

  // utf8-validator.ts
  { file: '06-websocket/utf8-validator.ts', line: 'reset(): void {', mutators: ['BlockStatement'], reason: 'only for code that reads on after a failure: here there is none' },
  { file: '06-websocket/utf8-validator.ts', line: 'if (this.#missing === 0 && end - start >= BULK_FROM_BYTES', original: /^this\.#missing === 0 && end - start >= BULK_FROM_BYTES && isUtf8/, replacements: ['false'], reason: SAVES },
  { file: '06-websocket/utf8-validator.ts', line: 'if (this.#missing === 0 && end - start >= BULK_FROM_BYTES', original: /^end - start(?: >= BULK_FROM_BYTES)?$/, replacements: ['true', 'end - start > BULK_FROM_BYTES', 'end - start < BULK_FROM_BYTES', 'end + start'], reason: 'saves time: of parts of any length Node may be asked first' },

  // websocket-session.ts
  { file: '06-websocket/websocket-session.ts', line: 'socket.setNoDelay(true);', mutators: ['BooleanLiteral'], reason: 'saves time: no rule is about how long a small frame takes' },
  { file: '06-websocket/websocket-session.ts', line: 'if (this.#ending) return;', original: 'this.#ending', replacements: ['false'], reason: 'saves memory: what comes then is not acted on' },
  { file: '06-websocket/websocket-session.ts', line: "if (this.closing.state === 'closed') return;", original: /^(?:this\.closing\.state === 'closed'|'closed')$/, replacements: ['false', '""'], reason: 'the same: a socket closes once' },
  { file: '06-websocket/websocket-session.ts', line: 'this.#ending = true;', mutators: ['BooleanLiteral'], original: 'true', reason: 'the same: where the state is closed nothing is acted on' },
  { file: '06-websocket/websocket-session.ts', line: ['this.#running = true;'], original: /^(?:this\.#running|true)$/, replacements: ['false'], reason: 'whether a listener that lets the reading go on is called again before it returns is said nowhere' },
  { file: '06-websocket/websocket-session.ts', line: "if (this.closing.state === 'open') this.#socket.pause();", original: /^(?:this\.closing\.state === 'open'|'open'|this\.#socket\.pause\(\);)$/, replacements: ['false', '""', ';'], reason: 'saves memory: one chunk more is read before the reading pauses' },
  { file: '06-websocket/websocket-session.ts', line: "if (this.closing.state === 'open') this.#socket.pause();", original: "this.closing.state === 'open'", replacements: ['true', "this.closing.state !== 'open'"], reason: 'WebSocketPeer.pause leaves open whether a peer that is paused after our Close frame still reads the answer' },
  { file: '06-websocket/websocket-session.ts', line: 'this.#batch.closed();', mutators: ['CallExpression'], reason: 'the same: a socket that closes tells those who wait for a write, and drops what is written to it' },
  { file: '06-websocket/websocket-session.ts', line: 'this.#batch.hold();', mutators: ['CallExpression'], reason: 'saves writes' },
  { file: '06-websocket/websocket-session.ts', line: 'if (this.#ending || this.#full) return false;', mutators: ['ConditionalExpression', 'LogicalOperator'], original: 'this.#ending || this.#full', replacements: ['false', 'this.#ending && this.#full'], reason: 'saves memory: everything in one chunk may be acted on, and after its end the machine says nothing' },
  { file: '06-websocket/websocket-session.ts', line: "if (this.closing.state === 'open') this.inbox.push", original: "this.closing.state === 'open'", replacements: ['true'], reason: 'whether a message that comes after our Close frame is still given is free: A81 and A85 allow both' },
  { file: '06-websocket/websocket-session.ts', line: "case 'pong':", mutators: ['StringLiteral'], original: "'pong'", reason: 'the same: by the last case the next event is asked for, too' },
  { file: '06-websocket/websocket-session.ts', line: 'default:', mutators: ['ConditionalExpression'], reason: 'for the types: there is no other event' },
  { file: '06-websocket/websocket-session.ts', line: ["this.#end(this.#machine.role === 'server');"], original: /^(?:this\.#machine\.role === 'server'|endSocket)$/, replacements: ['true'], reason: CLIENT },
  { file: '06-websocket/websocket-session.ts', line: 'if (listener !== null) this.readOn();', original: 'listener !== null', replacements: ['true'], reason: 'the same: where messages wait nothing is read, and where none do the reading goes on anyway' },
  { file: '06-websocket/websocket-session.ts', line: "this.closing.fail(closeCodes.internalError, '');", mutators: ['StringLiteral'], original: "''", reason: WORDING },
  { file: '06-websocket/websocket-session.ts', line: 'this.inbox.end();', mutators: ['CallExpression'], original: 'this.inbox.end();', reason: 'a call of receive is told when the connection has ended, at the latest; how soon is free' },
  { file: '06-websocket/websocket-session.ts', line: 'if (this.#socket.isPaused()) this.#socket.resume();', original: 'this.#socket.isPaused()', replacements: ['true'], reason: 'the same: to resume what is not paused does nothing' },

  // closing-handshake.ts
  { file: '06-websocket/closing-handshake.ts', line: 'else this.#beginWaiting();', mutators: ['CallExpression'], reason: 'the same: where no Close frame may be sent any more, one was sent, and the waiting has begun with it; or the socket has been destroyed' },

  // ping-guard.ts
  { file: '06-websocket/ping-guard.ts', line: 'if (this.#pending <= this.#machine.limits.pendingPongsMax)', mutators: ['EqualityOperator'], replacements: ['this.#pending < this.#machine.limits.pendingPongsMax'], reason: BOUND },
  { file: '06-websocket/ping-guard.ts', line: 'if (nowMs - this.#secondBeganMs >= 1000)', mutators: ['EqualityOperator'], replacements: ['nowMs - this.#secondBeganMs > 1000'], reason: 'a millisecond that both seconds may have' },
  { file: '06-websocket/ping-guard.ts', line: "if (newest !== null && this.#machine.state === 'open')", original: 'newest !== null', replacements: ['true'], reason: 'for the types: it is only called where a ping waits' },

  // outbox.ts
  { file: '06-websocket/outbox.ts', line: 'if (message instanceof Uint8Array) {', mutators: ['ConditionalExpression'], reason: COPY },
  { file: '06-websocket/outbox.ts', line: ['if (this.#batch.bufferedBytes <= this'], mutators: ['EqualityOperator'], original: /^(?:this\.#batch\.)?bufferedBytes (?:<=|>) /, replacements: ['bufferedBytes < this.#machine.limits.highWaterBytes', 'this.#batch.bufferedBytes < this.#machine.limits.highWaterBytes', 'bufferedBytes >= this.#machine.limits.bufferedBytesMax'], reason: 'a byte more or less in a mark' },

  // deflate-parameters.ts
  {
    file: '06-websocket/deflate-parameters.ts',
    line: [
      'export function offerDeflate(', 'const list = parameterList(wanted, false);', 'return wanted.clientMaxWindowBits < WINDOW_BITS_MAX ?', '): DeflateParameters | null {', 'if (answered === null) return null;',
      'if (clientMaxWindowBits === true ||', 'if (wanted.serverNoContextTakeover && !answered', 'clientNoContextTakeover: answered.clientNoContextTakeover', 'clientMaxWindowBits: Math.min(clientMaxWindowBits, wanted',
    ],
    reason: CLIENT,
  },
  { file: '06-websocket/deflate-parameters.ts', line: 'return {', mutators: ['ObjectLiteral'], original: /^\{\s*serverNoContextTakeover: answered\./, reason: CLIENT },
  { file: '06-websocket/deflate-parameters.ts', line: ['serverNoContextTakeover: false,', 'clientNoContextTakeover: false,'], mutators: ['BooleanLiteral'], replacements: ['true'], reason: CHOICE },
  { file: '06-websocket/deflate-parameters.ts', line: ['serverNoContextTakeover: offered.', 'clientNoContextTakeover: offered.'], original: /^offered\.(?:server|client)NoContextTakeover \|\| wanted\./, replacements: ['true'], reason: CHOICE },
  { file: '06-websocket/deflate-parameters.ts', line: 'if (parameters.clientNoContextTakeover) list +=', original: 'parameters.clientNoContextTakeover', replacements: ['true'], reason: CHOICE },
  { file: '06-websocket/deflate-parameters.ts', line: 'const answerServerBits = ', original: 'offered.serverMaxWindowBits !== undefined', replacements: ['true'], reason: NAMED },
  {
    file: '06-websocket/deflate-parameters.ts', line: 'if (answerServerBits || parameters.serverMaxWindowBits < WINDOW_BITS_MAX) {', mutators: ['ConditionalExpression', 'EqualityOperator'],
    original: /^(?:answerServerBits \|\| )?parameters\.serverMaxWindowBits < WINDOW_BITS_MAX$/, replacements: ['true', 'parameters.serverMaxWindowBits <= WINDOW_BITS_MAX', 'parameters.serverMaxWindowBits >= WINDOW_BITS_MAX'], reason: NAMED,
  },
  { file: '06-websocket/deflate-parameters.ts', line: 'if (answerServerBits || parameters.serverMaxWindowBits < WINDOW_BITS_MAX) {', original: 'parameters.serverMaxWindowBits < WINDOW_BITS_MAX', replacements: ['false'], reason: NAMED },
  { file: '06-websocket/deflate-parameters.ts', line: 'const read: Parameters = {', mutators: ['ObjectLiteral'], reason: 'the same: what is missing is undefined, and no flag' },
  { file: '06-websocket/deflate-parameters.ts', line: 'read.clientNoContextTakeover = true;', mutators: ['BooleanLiteral'], reason: HINT },
  { file: '06-websocket/deflate-parameters.ts', line: 'return value !== true &&', original: /^(?:value !== true|true)$/, replacements: ['true', 'false'], reason: 'for the types: the text `true` is not a number' },

  // deflate.ts
  { file: '06-websocket/deflate.ts', line: 'const small = windowBits < ZLIB_WINDOW_BITS_MIN', original: 'windowBits < ZLIB_WINDOW_BITS_MIN', replacements: ['false'], reason: ZLIB_STOPS_SHORT },
  { file: '06-websocket/deflate.ts', line: 'const small = windowBits < ZLIB_WINDOW_BITS_MIN', mutators: ['EqualityOperator'], replacements: ['windowBits <= ZLIB_WINDOW_BITS_MIN'], reason: 'how much shorter a message becomes is free' },
  { file: '06-websocket/deflate.ts', line: 'dictionary: history.length === 0 || small ?', original: /^history\.length === 0(?: \|\| small)?$/, replacements: ['false', 'history.length === 0 && small'], reason: `${ZLIB_STOPS_SHORT}; and an empty dictionary is as good as none` },
  { file: '06-websocket/deflate.ts', line: 'takeover ? Math.min(2 ** windowBits, tuning.historyBytesMax)', mutators: ['MethodExpression'], replacements: ['Math.max(2 ** windowBits, tuning.historyBytesMax)'], reason: 'saves memory and time: zlib takes no more of a dictionary than its window' },
  { file: '06-websocket/deflate.ts', line: 'if (next.bytes.length > 0) message =', replacements: ['true', 'next.bytes.length >= 0'], reason: COPY },
  { file: '06-websocket/deflate.ts', line: "if (error instanceof Error && 'code' in error)", replacements: ['true', "error instanceof Error || 'code' in error"], reason: 'for the types: whatever zlib throws is an Error with a code' },
  { file: '06-websocket/deflate.ts', line: "if (error.code === 'Z_DATA_ERROR')", original: "error.code === 'Z_DATA_ERROR'", replacements: ['true'], reason: 'the same: no input leads to another error of zlib than these two' },
  { file: '06-websocket/deflate.ts', line: 'if (this.#bytesMax === 0 || bytes.length === 0) return', mutators: ['ConditionalExpression', 'LogicalOperator'], replacements: ['false', 'this.#bytesMax === 0 && bytes.length === 0'], reason: SAVES },
];
