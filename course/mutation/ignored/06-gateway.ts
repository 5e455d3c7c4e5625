/** Chapter 06, its gateway: requests, the lifespan, the handshake, rooms and streams of events. What no hidden test can or should notice. */
import type { Ignored } from './entry.ts';

const WORDING = 'the wording of a message';
const ONCE = 'the same: a signal aborts once';
const EMPTY_END = 'the last event of a body may be empty (A40): whether the last part is known as such, or the end comes after it, is free';
const BROKEN = 'the same: a body that is broken is so whenever it is read';
const OVER = 'the same: what is complete is over as well';
const REFUSED = 'the same: what is sent at the end is refused by the next step as well';
const PHASE = 'the wording of a message: its first word, and what the type of the error says beside it';
const VERSION = 'a version that is missing or not a number is refused; RFC 6455 §4.2 leaves open whether with 400 or with the 426 for another version, and tests accept both';
const BOUND = 'one more or less in a bound that nobody promises';
const ENDED = 'the same: a response that has ended is over, and being told so again changes nothing';
const COPY = 'saves a copy';

const ALL = /^(['"`]).* .*\1$/s;

export const ignoredInChapter06Gateway: readonly Ignored[] = [
  // Words
  { file: '06-websocket/http-exchange.ts', line: 'if (unheard === null) this.#report(new GatewayError(rule', mutators: ['ConditionalExpression'], replacements: ['true'], reason: 'reporting A60 or A61 after the refused event adds nothing; tests accept both' },
  { file: '06-websocket/http-exchange.ts', line: ["new GatewayError('A31'", "new GatewayError('A22'", 'new GatewayError(rule'], mutators: ['StringLiteral'], original: ALL, reason: WORDING },
  { file: '06-websocket/http-exchange.ts', line: "const what = state === 'sending'", reason: WORDING },
  { file: '06-websocket/lifespan.ts', line: ["new GatewayError('A31'", "new LifespanError('startup'", "new LifespanError('shutdown'", 'new LifespanError(phase'], mutators: ['StringLiteral'], original: ALL, reason: WORDING },
  { file: '06-websocket/lifespan.ts', line: ['await within(', "new LifespanError('", "reject(failure('"], mutators: ['StringLiteral'], original: /^'(?:startup|shutdown)'$/, reason: PHASE },
  { file: '06-websocket/lifespan.ts', line: 'return new LifespanError(phase, reason, { cause: error })', mutators: ['ObjectLiteral'], reason: 'the message says the reason; the error itself is attached for debugging' },
  { file: '06-websocket/handshake.ts', line: ['throw new HttpError(', 'throw bad(', 'throw new LocalProtocolError('], mutators: ['StringLiteral'], original: /^(?:'.* .*'|`.* .*`)$/, reason: WORDING },
  { file: '06-websocket/handshake.ts', line: 'return new HttpError(400, `${message}', mutators: ['StringLiteral'], reason: WORDING },
  { file: '06-websocket/event-stream.ts', line: 'throw new RangeError(', mutators: ['StringLiteral'], original: ALL, reason: WORDING },
  { file: '06-websocket/event-stream.ts', line: ["oneLine('id', id)", "oneLine('event', event)"], mutators: ['StringLiteral'], original: /^'(?:id|event)'$/, reason: WORDING },
  { file: '06-websocket/room.ts', line: 'peer.close(closeCodes.tryAgainLater,', mutators: ['StringLiteral'], reason: 'the wording of a reason' },
  { file: '06-websocket/sent-body.ts', line: "new GatewayError('A39'", mutators: ['StringLiteral'], original: ALL, reason: WORDING },

  // A request and its response
  { file: '06-websocket/http-exchange.ts', line: 'this.#bodyBytesLeft = source.bodyBytes ?? Infinity', replacements: ['source.bodyBytes && Infinity'], reason: EMPTY_END },
  { file: '06-websocket/http-exchange.ts', line: 'this.#bodyBytesLeft -= part?.length ?? 0', replacements: ['this.#bodyBytesLeft += part?.length ?? 0', 'part?.length && 0'], reason: EMPTY_END },
  { file: '06-websocket/http-exchange.ts', line: 'this.#bodyEnded = part === null ||', original: 'this.#bodyBytesLeft === 0', replacements: ['false'], reason: EMPTY_END },
  { file: '06-websocket/http-exchange.ts', line: 'else if (this.#bodyBytesLeft === 0) this.#take(null)', original: 'this.#bodyBytesLeft === 0', replacements: ['false'], reason: 'the same: asking for a part where there is no body gives its end' },
  { file: '06-websocket/http-exchange.ts', line: 'if (this.#bodyError !== null) return Promise.reject', original: 'this.#bodyError !== null', replacements: ['false'], reason: BROKEN },
  { file: '06-websocket/http-exchange.ts', line: 'else if (!this.#over) this.#bodyError =', original: '!this.#over', replacements: ['this.#over', 'false'], reason: BROKEN },
  { file: '06-websocket/http-exchange.ts', line: 'else if (!this.#over) this.#bodyError =', original: '!this.#over', replacements: ['true'], reason: 'the same: where all is over, nobody looks at it' },
  { file: '06-websocket/http-exchange.ts', line: 'if (this.#over) return;', original: 'this.#over', replacements: ['false'], reason: 'the same: where all is over, nobody waits for a part' },
  { file: '06-websocket/http-exchange.ts', line: "nextState('http', httpTable", mutators: ['StringLiteral'], original: "'http'", reason: 'the same: the events of http are looked at before, and none that is left is one' },
  { file: '06-websocket/http-exchange.ts', line: "if (state === 'complete' || this.#over", original: /^(?:state === 'complete'|'complete')$/, replacements: ['false', '""'], reason: OVER },
  { file: '06-websocket/http-exchange.ts', line: "if (this.#sent.state !== 'complete') this.#giveUp", original: /^(?:this\.#sent\.state !== 'complete'|'complete')$/, replacements: ['true', '""'], reason: 'the same: to give up a response that is complete does nothing' },
  { file: '06-websocket/http-exchange.ts', line: ['if (this.#watchesGone) return', 'this.#watchesGone = true'], replacements: ['false'], reason: 'the same: one call waits at a time (A31), and all later ones are answered at once' },

  // The body of a response
  { file: '06-websocket/sent-body.ts', line: 'if (part.length === 0) return Promise.resolve()', original: 'part.length === 0', replacements: ['false'], reason: 'the same: a part without a byte is not sent' },
  { file: '06-websocket/sent-body.ts', line: 'if (this.#stopped) return Promise.reject(new DisconnectError())', original: 'this.#stopped', replacements: ['false'], reason: 'the same: the exchange refuses it before' },
  { file: '06-websocket/sent-body.ts', line: ['if (this.#stopped) return;', 'this.#stopped = true'], replacements: ['false'], reason: 'the same: a body is closed once, and afterwards nothing is asked of it' },
  { file: '06-websocket/sent-body.ts', line: ['return(): Promise<IteratorResult', 'this.close();'], mutators: ['BlockStatement', 'CallExpression'], reason: 'the same: the code that calls return() closes the body as well' },
  { file: '06-websocket/sent-body.ts', line: 'const gone = !this.#ended ||', original: /^this\.#(?:underWay !== null|parts\.length > 0)$/, replacements: ['false', 'this.#underWay === null', 'this.#parts.length <= 0', 'this.#parts.length >= 0'], reason: ENDED },
  { file: '06-websocket/sent-body.ts', line: 'const gone = !this.#ended ||', original: /^!this\.#ended \|\| .* \|\| /, replacements: ['true'], reason: ENDED },
  { file: '06-websocket/sent-body.ts', line: 'if (gone) this.#onStopped()', original: 'gone', replacements: ['true'], reason: ENDED },

  // The lifespan
  { file: '06-websocket/lifespan.ts', line: '#shutdownGiven = false', mutators: ['BooleanLiteral'], original: 'false', reason: 'the same: to stop sets it, and before that nobody looks' },
  { file: '06-websocket/lifespan.ts', line: 'this.#stopped.promise.catch', mutators: ['CallExpression'], reason: 'the same: it is rejected only when somebody waits for it' },
  { file: '06-websocket/lifespan.ts', line: 'checkIsEvent(event)', mutators: ['CallExpression'], reason: 'anything but an event is also refused two lines below; the rules leave open under which name (A33, A34)' },
  { file: '06-websocket/lifespan.ts', line: 'this.#promises.end()', mutators: ['CallExpression'], reason: REFUSED },
  { file: '06-websocket/lifespan.ts', line: "this.#state = 'ended'", mutators: ['StringLiteral'], reason: REFUSED },
  { file: '06-websocket/lifespan.ts', line: "case 'serving':", mutators: ['StringLiteral'], reason: 'the same: the last case does what this one does' },
  { file: '06-websocket/lifespan.ts', line: ['} finally {'], mutators: ['BlockStatement', 'CallExpression'], reason: 'whether a process that has nothing else to do waits for it' },

  // The handshake
  { file: '06-websocket/accept-key.ts', line: "update(key + GUID, 'latin1')", mutators: ['StringLiteral'], original: "'latin1'", reason: 'the same: a key is base64' },
  { file: '06-websocket/handshake.ts', line: 'if (request.hasBody) throw bad(', original: 'request.hasBody', replacements: ['false'], reason: 'RFC 6455 says nothing of content in a handshake: tests accept who reads it and goes on, too' },
  { file: '06-websocket/handshake.ts', line: 'if (sentKey === undefined || !key.test', original: 'sentKey === undefined', replacements: ['false'], reason: 'the same: the text `undefined` is not a key' },
  { file: '06-websocket/handshake.ts', line: 'if (version === undefined || !versionNumber.test', original: /^version === undefined(?: \|\| !versionNumber\.test\(version\))?$/, replacements: ['false', 'version === undefined && !versionNumber.test(version)'], reason: VERSION },
  { file: '06-websocket/handshake.ts', line: 'const versionNumber =', mutators: ['Regex'], replacements: ['/(?:\\d|[1-9]\\d|[12]\\d\\d)$/', '/^(?:\\d|[1-9]\\d|[12]\\d\\d)/'], reason: VERSION },
  { file: '06-websocket/handshake.ts', line: "{ subprotocol = '', headers = [] }: WebSocketAcceptance", mutators: ['ArrayDeclaration'], reason: 'one more field in a 101, with a name that the handshake does not use, is not a fault' },

  // Rooms
  { file: '06-websocket/room.ts', line: 'if (peer.bufferedBytes > this.#bufferedBytesMax)', mutators: ['EqualityOperator'], replacements: ['peer.bufferedBytes >= this.#bufferedBytesMax'], reason: BOUND },

  // Streams of events
  { file: '06-websocket/event-source.ts', line: ["scope.signal.addEventListener('abort', stop, { once: true })", "scope.stopping.addEventListener('abort', stop, { once: true })"], mutators: ['ObjectLiteral', 'BooleanLiteral'], reason: ONCE },
  { file: '06-websocket/event-source.ts', line: "scope.signal.removeEventListener('abort', stop)", mutators: ['StringLiteral'], original: "'abort'", reason: 'the signal of a request goes with the request' },
  { file: '06-websocket/event-source.ts', line: 'if (parts.length > 0) await send', original: 'parts.length > 0', replacements: ['true', 'parts.length >= 0'], reason: 'the same: a part without a byte is not sent' },
  { file: '06-websocket/event-source.ts', line: 'return this.#retryMs === undefined ? heartbeat', original: 'this.#retryMs === undefined', replacements: ['false'], reason: 'clients skip a `retry` that is not a number, as they skip a comment' },
  { file: '06-websocket/event-source.ts', line: 'resolve(true)', mutators: ['BooleanLiteral'], original: 'true', reason: 'one more comment after an event, which clients skip' },
  { file: '06-websocket/event-source.ts', line: 'return parts.length === 1 ? parts[0]', original: 'parts.length === 1', replacements: ['false'], reason: COPY },
];
