/** Chapter 05: what no hidden test can or should notice. */
import type { Ignored } from './entry.ts';

const WORDING = 'the wording of a message';
const REPORT = 'the wording of a report: it is refused by the next step as well, and the answer is the same 500';
const REFUSED = 'the same: what is let through here is refused by the next step, with the same answer';
const SAVES = 'saves time or memory, and changes nothing that can be seen';
const BOUND = 'one more or less in a bound that nobody promises';
const PHRASE = 'reason phrases are free, and clients ignore them (RFC 9112 §4)';
const TYPES = 'for a caller that the types do not allow';
const ONCE = 'the same: a signal aborts once';
const BEHIND = 'an iterator that has ended does nothing when it is asked to return(); tests accept both';
const RETURNED = 'nothing looks at what return() gives, except that it is an object';
const BAD_GATEWAY = 'a script that writes no head is answered with 500 or 502; tests accept both';
const NO_READER = 'the same: without Access-Control-Allow-Origin, browsers look at no other field (Fetch §3.2.4)';
const HOST_FREE = 'the same: Host is a string or absent';

const ALL = /^(['"`]).* .*\1$/s;

export const ignoredInChapter05: readonly Ignored[] = [
  // Words
  { file: '05-gateway/', line: ['new GatewayError(', 'new TypeError(', 'new DOMException(', 'new HttpError(', 'new LocalProtocolError(', 'new RemoteProtocolError(', 'new RangeError(', 'new ScriptError(', 'throw badHead(', 'throw broken(', ') wrong('], mutators: ['StringLiteral'], original: ALL, reason: WORDING },
  { file: '05-gateway/app-body.ts', line: ['function nameOf(', 'return String(value)', 'value.constructor?.name'], reason: WORDING },
  { file: '05-gateway/json-body.ts', line: ["throw new HttpError(415, 'application/json in UTF-8", "throw new HttpError(415, 'no Content-Encoding", "fault = 'the body is not JSON"], mutators: ['StringLiteral'], original: ALL, reason: WORDING },
  { file: '05-gateway/json-body.ts', line: '} catch {', mutators: ['BlockStatement'], reason: 'the wording of a message: the 400 is thrown after it, whatever it says' },
  { file: '05-gateway/router.ts', line: 'const what = other.isMount', reason: WORDING },
  { file: '05-gateway/watched-body.ts', line: ['this.#breaches.add(', 'this.#needsStart(', 'startResponse had not been called'], mutators: ['StringLiteral'], original: ALL, reason: WORDING },

  // Errors that are refused by another step
  { file: '05-gateway/app-body.ts', line: "if (typeof body !== 'object' || body === null", original: 'body === null', replacements: ['false'], reason: REPORT },
  { file: '05-gateway/app-body.ts', line: "if (!('then' in body)) throw", original: "!('then' in body)", replacements: ['false'], reason: REPORT },
  { file: '05-gateway/app-body.ts', line: 'if (body instanceof Promise) body.catch', original: 'body instanceof Promise', replacements: ['true'], reason: REPORT },
  { file: '05-gateway/response-start.ts', line: 'if (this.#head === null) {', original: 'this.#head === null', replacements: ['false'], reason: REPORT },
  { file: '05-gateway/response-start.ts', line: 'if (this.#head === null) {', mutators: ['BlockStatement'], reason: REPORT },
  { file: '05-gateway/cgi-head.ts', line: ['function badHead(', '} catch {'], mutators: ['BlockStatement'], reason: BAD_GATEWAY },
  { file: '05-gateway/cgi-head.ts', line: 'if (status !== undefined && !/^[2-5]', mutators: ['Regex'], original: '/^[2-5]\\d\\d(?: |$)/', replacements: ['/[2-5]\\d\\d(?: |$)/'], reason: BAD_GATEWAY },
  { file: '05-gateway/scgi-head.ts', line: 'function broken(', mutators: ['BlockStatement'], reason: 'anything but an SCGI request is refused without asking the application; the status is free, and so is whether there is one' },
  { file: '05-gateway/scgi-head.ts', line: 'if (!isLength && (colon', original: 'colon !== -1', replacements: ['false'], reason: 'the same: an empty length is the length 0, and no head of no bytes has CONTENT_LENGTH' },
  { file: '05-gateway/scgi-head.ts', line: 'if (colon === -1 || bytes.length <= end)', original: 'colon === -1', replacements: ['false'], reason: 'the same: digits without a colon are fewer bytes than the length that they say, but for 0, and no head of no bytes has CONTENT_LENGTH' },
  { file: '05-gateway/scgi-head.ts', line: 'if (bytes[end] !== COMMA', mutators: ['ConditionalExpression', 'EqualityOperator', 'ArithmeticOperator'], original: /^(?:end > colon \+ 1|colon \+ 1)$/, replacements: ['true', 'end >= colon + 1', 'colon - 1'], reason: 'the same: it is about a head of no bytes, which has no CONTENT_LENGTH' },
  { file: '05-gateway/scgi-head.ts', line: "variables.get('CONTENT_LENGTH') ?? ''", mutators: ['StringLiteral'], original: "''", reason: REFUSED },

  // The same by another step
  { file: '05-gateway/app-body.ts', line: "if ('then' in result) return this.#beginLater", original: "'then' in result", replacements: ['true'], reason: 'saves a promise if the body gives none' },
  { file: '05-gateway/app-body.ts', line: ['return this.#first !== null;'], original: 'this.#first !== null', replacements: ['true'], reason: 'how a body of parts without a byte is framed is free: by a length of 0, or by chunks' },
  { file: '05-gateway/app-body.ts', line: ['if (done === true) this.#ended = true', 'this.#ended = true;'], mutators: ['ConditionalExpression', 'BooleanLiteral'], original: /^(?:done === true|true)$/, replacements: ['false'], reason: BEHIND },
  { file: '05-gateway/app-body.ts', line: 'if (!this.#ended) this.#attempt(', original: '!this.#ended', replacements: ['true'], reason: BEHIND },
  { file: '05-gateway/bearer-auth.ts', line: 'const SCHEME =', mutators: ['Regex'], replacements: ['/^bearer(?: )/i'], reason: 'a scheme without a token lacks it or is malformed: 401 and 400 are both right (RFC 6750 §3.1)' },
  { file: '05-gateway/bearer-auth.ts', line: "realm + (scope ?? '')", original: "''", mutators: ['StringLiteral'], reason: 'whether a realm may be empty is a choice' },
  { file: '05-gateway/cors.ts', line: 'const OURS =', mutators: ['Regex'], replacements: ['/^access-control-(?:allow-(?:origin|credentials)|expose-headers)/i'], reason: 'the same: no field has a name that begins like these and goes on' },
  { file: '05-gateway/environ.ts', line: "return scheme === 'https' ? '443' : '80'", original: /^(?:scheme === 'https'|'https')$/, reason: 'a port is digits (G20); which ones is free if the port is not known' },
  { file: '05-gateway/from-fetch.ts', line: '}, { highWaterMark: 0 })', mutators: ['ObjectLiteral'], reason: 'tests accept a part that is read ahead' },
  { file: '05-gateway/json-body.ts', line: 'if (environ.CONTENT_TYPE !== undefined) checkType(environ)', mutators: ['ConditionalExpression', 'CallExpression'], original: /^(?:environ\.CONTENT_TYPE !== undefined|checkType\(environ\);)$/, replacements: ['false', ';'], reason: 'the same answer, when the body has been read; tests accept both' },
  { file: '05-gateway/json-body.ts', line: 'return CONTENT_LENGTH === undefined ?', original: 'CONTENT_LENGTH === undefined', replacements: ['true', 'CONTENT_LENGTH !== undefined'], reason: 'the content of a GET has no meaning (RFC 9110 §9.3.1): whether it is looked at where it has no type is a choice' },
  { file: '05-gateway/app-body.ts', line: 'if (this.#ended || this.#closed) return END', original: 'this.#ended || this.#closed', replacements: ['false', 'this.#ended && this.#closed'], reason: 'the same: the code that sends the parts stops by itself at the end, and when the client has gone' },
  { file: '05-gateway/app-body.ts', line: ['return(): Promise<IteratorResult', 'this.close();'], mutators: ['BlockStatement', 'CallExpression'], original: /^(?:\{\s*this\.close\(\);\s*return Promise\.resolve\(END\);\s*\}|this\.close\(\);)$/, reason: 'the same: the code that gives up the parts closes them as well, or its connection, which closes them' },
  { file: '05-gateway/bearer-auth.ts', line: "if (typeof authorization !== 'string'", original: "typeof authorization !== 'string'", replacements: ['false'], reason: 'the same: the text `undefined` has no scheme' },
  { file: '05-gateway/call-app.ts', line: "() => parts.close(), { once: true })", mutators: ['ObjectLiteral', 'BooleanLiteral'], reason: ONCE },
  { file: '05-gateway/call-app.ts', line: 'if (body.close !== undefined) queueMicrotask', original: 'body.close !== undefined', replacements: ['true'], reason: SAVES },
  { file: '05-gateway/cgi-head.ts', line: 'if (lines.length > LINES_MAX)', mutators: ['EqualityOperator'], original: 'lines.length > LINES_MAX', replacements: ['lines.length >= LINES_MAX'], reason: BOUND },
  { file: '05-gateway/cgi-head.ts', line: 'const code = status?.slice(0, 3)', original: 'status?.slice(0, 3)', replacements: ['status'], reason: PHRASE },
  { file: '05-gateway/cgi-head.ts', line: "const reason = status?.slice(4).trim() ?? ''", replacements: ['status?.slice(4)', '"Stryker was here!"'], reason: PHRASE },
  { file: '05-gateway/cors.ts', line: "const fields: GatewayHeader[] = origins === '*'", original: /^(?:origins === '\*'|'\*')$/, replacements: ['false', '""'], reason: 'a Vary that is not needed makes caches keep more answers than they must, and no other ones' },
  { file: '05-gateway/cors.ts', line: 'exposed.length === 0 ? []', original: 'exposed.length === 0', replacements: ['false'], reason: 'the same: an empty list of fields exposes none' },
  { file: '05-gateway/cors.ts', line: "['GET', 'HEAD', 'POST', ...methods].join", mutators: ['StringLiteral'], original: /^'(?:GET|HEAD|POST)'$/, reason: 'the same: these three need no permission (Fetch §2.2.1)' },
  { file: '05-gateway/cors.ts', line: "const isAllowed = fields.some", original: "name === 'Access-Control-Allow-Origin'", replacements: ['true'], reason: NO_READER },
  { file: '05-gateway/cors.ts', line: 'if (isAllowed) fields.push', original: 'isAllowed', replacements: ['true'], reason: NO_READER },
  { file: '05-gateway/from-fetch.ts', line: 'await iterator.return?.()', mutators: ['OptionalChaining'], reason: 'the same: the iterator of an input is a generator, which has a return()' },
  { file: '05-gateway/from-fetch.ts', line: 'return Number(environ.CONTENT_LENGTH ?? 0) > 0', replacements: ['true', 'Number(environ.CONTENT_LENGTH ?? 0) >= 0'], reason: 'an empty stream means the same as no body' },
  { file: '05-gateway/from-fetch.ts', line: "const host = typeof environ['HTTP_HOST']", original: /^typeof environ\['HTTP_HOST'\] === 'string'$/, replacements: ['true'], reason: HOST_FREE },
  { file: '05-gateway/from-fetch.ts', line: "const path = rawPathInfo === '*'", mutators: ['StringLiteral'], original: "'/'", reason: 'the same: a URL without a path has the path /' },
  { file: '05-gateway/input.ts', line: 'return parts.length === 1 ? parts[0]', original: 'parts.length === 1', replacements: ['false'], reason: 'saves a copy' },
  { file: '05-gateway/input.ts', line: 'if (this.#reading) throw', original: 'this.#reading', replacements: ['false'], reason: 'G36 leaves it to the server whether it refuses a second reading' },
  { file: '05-gateway/input.ts', line: 'this.#reading = true', original: 'true', replacements: ['false'], reason: 'G36 leaves it to the server whether it refuses a second reading' },
  { file: '05-gateway/json-body.ts', line: 'if (!mayHaveContent(environ)) return', original: '!mayHaveContent(environ)', replacements: ['false'], reason: SAVES },
  { file: '05-gateway/json-body.ts', line: "'HEAD', 'OPTIONS'].includes", replacements: ['[]', '""'], reason: 'the same: looking for content where there is none finds none' },
  { file: '05-gateway/json-body.ts', line: 'return CONTENT_LENGTH === undefined ?', original: "CONTENT_LENGTH !== '0'", replacements: ['true'], reason: 'the same: looking for content where there is none finds none' },
  { file: '05-gateway/json-body.ts', line: 'return CONTENT_LENGTH === undefined ?', original: 'CONTENT_LENGTH === undefined', replacements: ['false'], reason: 'the same: looking for content where there is none finds none' },
  { file: '05-gateway/json-body.ts', line: 'if (CONTENT_TYPE !== undefined) return true', original: 'CONTENT_TYPE !== undefined', replacements: ['true'], reason: 'the same: looking for content where there is none finds none' },
  { file: '05-gateway/json-body.ts', line: "coding !== 'identity'", original: /^(?:coding !== 'identity'|'identity')$/, replacements: ['true', '""'], reason: 'whether `Content-Encoding: identity`, which nobody should send (RFC 9110 §12.5.3), is taken is a choice' },
  { file: '05-gateway/mount.ts', line: 'if (!Array.isArray(body)) return', original: '!Array.isArray(body)', replacements: ['true'], reason: 'G15 leaves it free whether the path of a list is given back at once or when it is closed' },
  { file: '05-gateway/router.ts', line: "new Set<string>(['OPTIONS'])", mutators: ['ArrayDeclaration'], reason: 'the same: OPTIONS is added to every Allow; and what a router without routes says is free' },
  { file: '05-gateway/router.ts', line: "{ kind: 'rest', name: '' }", mutators: ['StringLiteral'], original: "''", reason: 'the same: the names of a mount are taken from the segments before it' },
  { file: '05-gateway/router.ts', line: 'if (decodeSegment(path) === null) return', replacements: ['false', '["Stryker was here"]', '""'], reason: 'for a server that breaks G14: elsewhere a rawPathInfo can be decoded' },
  { file: '05-gateway/router.ts', line: "if (methods.size === 0 || (path === '*'", original: /^(?:path === '\*' && !isOptions|'\*')$/, replacements: ['false', '""'], reason: 'for a server that breaks G14: * is the path of OPTIONS alone' },
  { file: '05-gateway/router.ts', line: 'this.#names.set(names.join(), known)', mutators: ['CallExpression'], reason: 'a cache: the names are the same without it' },
  { file: '05-gateway/router.ts', line: 'return path.length > this.#segmentsMax &&', original: 'path.length > this.#segmentsMax', replacements: ['true', 'path.length >= this.#segmentsMax'], reason: SAVES },
  { file: '05-gateway/router.ts', line: 'if (names.length === 0) return outer ?? noParams', original: 'names.length === 0', replacements: ['false'], reason: SAVES },
  { file: '05-gateway/router.ts', line: "value.includes('%')", mutators: ['StringLiteral'], original: "'%'", reason: SAVES },
  { file: '05-gateway/route-tree.ts', line: ['const known = this.#texts.get', 'if (known === undefined) this.#texts.set'], reason: 'a cache: the text is the same without it' },
  { file: '05-gateway/route-tree.ts', line: "path.includes('%')", mutators: ['StringLiteral'], original: "'%'", reason: SAVES },
  { file: '05-gateway/route-tree.ts', line: 'return node.rest === null ? null', original: 'node.rest === null', replacements: ['false'], reason: 'the same: there is no route to choose' },
  { file: '05-gateway/scgi-head.ts', line: 'Math.min(bytes.length, 10)', original: 'Math.min(bytes.length, 10)', replacements: ['Math.max(bytes.length, 10)'], reason: 'the same: ten digits are too many as well as more' },
  { file: '05-gateway/to-node-handler.ts', line: '.catch(() => response.destroy())', mutators: ['ArrowFunction'], reason: 'the same: the connection has been closed by the step before' },
  { file: '05-gateway/to-node-handler.ts', line: "response.on('error', () => gone.abort())", mutators: ['ArrowFunction'], reason: "the same: 'close' comes after 'error'" },
  { file: '05-gateway/to-node-handler.ts', line: 'if (response.headersSent) {', mutators: ['ConditionalExpression', 'BlockStatement'], original: /^(?:response\.headersSent|\{.*\})$/s, replacements: ['false', '{}'], reason: 'the same: a second head throws, and then the caller closes the connection' },
  { file: '05-gateway/to-node-handler.ts', line: 'const hasBody = ', replacements: ['true', "Number(request.headers['content-length'] ?? 0) >= 0"], reason: 'the same: the input of a request without a body is at its end' },
  { file: '05-gateway/to-node-handler.ts', line: "if ('baseUrl' in request", original: /^(?:'baseUrl' in request && )?typeof request\.baseUrl === 'string'$|^'baseUrl' in request$/, replacements: ['true', "'baseUrl' in request || typeof request.baseUrl === 'string'"], reason: TYPES },
  { file: '05-gateway/watched-body.ts', line: 'this.#asked = false;', mutators: ['BooleanLiteral'], original: 'false', reason: 'the same: asking after the end breaks the same rule' },
  { file: '05-gateway/watched-body.ts', line: 'const isEmpty = isHead', original: 'status === 204', replacements: ['false'], reason: 'for a 204 with a Content-Length, which no application may give (RFC 9110 §8.6)' },
  { file: '05-gateway/watched-body.ts', line: 'if (contentLength !== null && this.#bytes < contentLength', original: 'contentLength !== null', replacements: ['true'], reason: 'the same: no number of bytes is less than null' },
  { file: '05-gateway/watched-body.ts', line: 'this.#timer.unref()', mutators: ['CallExpression'], reason: 'whether a process that has nothing else to do waits for it' },
  { file: '05-gateway/watched-body.ts', line: 'if (this.#timer !== null) clearTimeout', original: 'this.#timer !== null', replacements: ['true'], reason: 'the same: clearing no timer does nothing' },
  { file: '05-gateway/watched-body.ts', line: 'const END: IteratorReturnResult', reason: RETURNED },
];
