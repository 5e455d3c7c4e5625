/** Chapter 03: what no hidden test can or should notice. */
import type { Ignored } from './entry.ts';

const WORDING = 'the wording of a message';
const SAVES = 'saves time or memory, and changes nothing that can be seen';
const GUARDED = 'the same: the next step checks what this one does';
const CHOICE = 'a choice of this server; tests accept the others';
const BOUND = 'one more or less in a bound that nobody promised';
const DISK = 'for a disk that fails, or for two changes at the same moment: a test cannot bring that about';
const PAGE = 'what a listing says besides names and links is free; that it says nothing wrong is tested';
const STRANGE = 'one field more, which means nothing to anybody';
/** As it is written in accept-encoding.ts. */
const MEMBER = "/^[ \\t]*([!#$%&'*+.^_`|~\\w-]+)(?:[ \\t]*;[ \\t]*q=(0(?:\\.\\d{0,3})?|1(?:\\.0{0,3})?))?[ \\t]*$/i";
const UNFINISHED = 'for a chapter that is not finished: the starter has no validators until exercise 3.4 is done';

export const ignoredInChapter03: readonly Ignored[] = [
  // Words
  { file: '03-static/decode-path.ts', line: 'throw new HttpError(400, ', mutators: ['StringLiteral'], original: /^'.* .*'$/, reason: WORDING },
  { file: '03-static/directory.ts', line: "'Moved: it is a directory.", mutators: ['StringLiteral'], original: /^'Moved/, reason: WORDING },
  { file: '03-static/file-error.ts', line: "return new HttpError(status, ''", reason: 'whether a refusal says more than its status, and when to come again, is free (RFC 9110 §10.2.3)' },

  // What a listing says
  { file: '03-static/listing.ts', line: ['const STYLE', 'const POLICY', "['Cache-Control', 'no-cache']", "['Content-Security-Policy', POLICY]"], mutators: ['StringLiteral', 'ArrayDeclaration'], reason: 'how a listing looks, and how careful it is beyond its escaping, is free' },
  { file: '03-static/listing.ts', line: ['const title', 'const parent', 'const rows', 'entries.length === 0 ?', "${parent}${rows.join('')}"], mutators: ['StringLiteral', 'ArrowFunction', 'ConditionalExpression', 'EqualityOperator'], reason: PAGE },
  { file: '03-static/listing.ts', line: ['return `<span title', 'return `<time datetime', 'iso.slice(0, 16)', 'const units', 'size >= 1023.5', 'size.toFixed(1)'], reason: PAGE },
  { file: '03-static/directory-entry.ts', line: ['new Intl.Collator', 'return entries.sort'], reason: 'in what order a listing has its entries is free' },

  // Steps that only save time, memory or a look at the disk
  { file: '03-static/buffer-pool.ts', line: ['giveBack(buffer: Buffer)', 'this.#free.length < FREE_MAX', 'this.#free.pop() ??'], reason: SAVES },
  { file: '03-static/file-body.ts', line: ['async readAhead()', 'if (this.#buffer !== null) this.#pool.giveBack'], reason: SAVES },
  { file: '03-static/static-files.ts', line: ['async #readAhead', 'try {', 'await this.#readAhead(response.body)', '!(found instanceof Promise)) return this.#respond'], mutators: ['BlockStatement', 'ConditionalExpression'], replacements: ['{}', 'false'], reason: SAVES },
  { file: '03-static/root.ts', line: 'this.#realPath !== null && isWithin', replacements: ['false'], reason: SAVES },
  { file: '03-static/respond.ts', line: 'if (hasPreconditions(headers))', replacements: ['true'], reason: SAVES },
  { file: '03-static/preconditions.ts', line: "headers.has('if-none-match')", replacements: ['true'], reason: SAVES },
  { file: '03-static/content.ts', line: 'rangeLength(range) === this.size', replacements: ['false', 'rangeLength(range) !== this.size'], reason: SAVES },
  { file: '03-static/directory-entry.ts', line: 'start < shown.length', mutators: ['EqualityOperator'], reason: 'the same: beyond the end there are no names' },
  { file: '03-static/cached-source.ts', line: ["known.kind === 'missing'", "known.kind === 'open' && known.file.share()", "kind: 'missing' }"], mutators: ['ConditionalExpression', 'EqualityOperator', 'StringLiteral', 'ObjectLiteral'], reason: SAVES },
  { file: '03-static/cached-source.ts', line: 'try {', mutators: ['BlockStatement'], original: /isUnchanged/, reason: SAVES },
  { file: '03-static/open-file.ts', line: ['share(): boolean', 'if (this.#users === 0) return false'], mutators: ['BlockStatement', 'ConditionalExpression', 'EqualityOperator'], replacements: ['{}', 'true', 'this.#users !== 0'], reason: SAVES },
  { file: '03-static/static-files.ts', line: 'settings.cacheBytesMax > 0', replacements: ['true', 'settings.cacheBytesMax >= 0'], reason: 'the same: a cache of no bytes keeps nothing' },
  { file: '03-static/cached-source.ts', line: 'if (await known.file.isUnchanged())', replacements: ['false'], reason: SAVES },
  { file: '03-static/cached-source.ts', line: "stale?.kind === 'kept'", replacements: ['false'], reason: SAVES },
  { file: '03-static/cached-source.ts', line: 'OPEN_FILE_BYTES = ', reason: 'what an open file weighs is a choice' },

  // The same by another step
  { file: '03-static/directory-entry.ts', line: 'if (path === null) return null', replacements: ['false'], reason: 'the same: nothing can be looked at there, and what cannot be looked at is not shown' },
  { file: '03-static/file-body.ts', line: 'if (wanted <= 0)', replacements: ['false', 'wanted < 0'], reason: 'the same: nothing is read of nothing, and that is the end' },
  { file: '03-static/content.ts', line: ['if (!this.#closed)', 'this.#closed = true'], replacements: ['true', 'false'], reason: 'nobody here closes content twice; it is for anyone who would' },
  { file: '03-static/open-file.ts', line: 'if (this.#users === 0) return 0', replacements: ['false'], reason: 'nobody here reads what has been closed; it is for anyone who would' },
  { file: '03-static/open-file.ts', line: 'if (this.#users === 0) return false', replacements: ['false'], reason: 'a value that has been dropped is found by nobody: it is for a cache that would' },
  { file: '03-static/parse-http-date.ts', line: 'return timeMs !== null &&', original: 'timeMs !== null', replacements: ['true'], reason: 'the same: what is not a time is not later than one' },
  { file: '03-static/preconditions.ts', line: 'if (date === undefined ||', replacements: ['false'], reason: 'the same: what is not there is not a date' },
  { file: '03-static/respond.ts', line: 'if (range === undefined) return part', replacements: ['false'], reason: 'the same: what is not there is not a range' },
  { file: '03-static/respond.ts', line: 'body instanceof Uint8Array && body.length > 0', replacements: ['false'], reason: 'the same: chapter 02 finds the length of bytes by itself' },
  { file: '03-static/if-range.ts', line: "if (value.startsWith('\"'))", mutators: ['MethodExpression'], reason: 'the same: a weak tag never matches strongly, and what is not a date never holds' },
  { file: '03-static/if-range.ts', line: "if (value.startsWith('\"'))", original: 'current.etag !== null', replacements: ['true'], reason: 'the same: no tag equals null' },
  { file: '03-static/range.ts', line: "specs.filter((spec) => spec.trim() !== '')", mutators: ['StringLiteral'], reason: GUARDED },
  { file: '03-static/static-files.ts', line: 'encodings.length === 0', replacements: ['false'], reason: 'a server without encodings may answer a client that refuses identity with 406, too' },
  { file: '03-static/options.ts', line: 'options.rangesMax ?? RANGES_MAX', replacements: ['options.rangesMax && RANGES_MAX'], reason: GUARDED },
  { file: '03-static/representation.ts', line: ['if (lastModifiedMs !== null)', 'if (etag !== null)'], replacements: ['true'], reason: UNFINISHED },
  { file: '03-static/representation.ts', line: "coding === 'identity' ? ''", replacements: ['false', '""'], reason: 'the same: a tag of its own for the file as it is' },
  { file: '03-static/entity-tag.ts', line: "coding === '' ? ''", mutators: ['StringLiteral', 'ConditionalExpression'], replacements: ['"Stryker was here!"', 'false'], reason: 'the same: a tag of its own for the file as it is' },

  // Choices that tests leave open
  { file: '03-static/root.ts', line: 'if (isMissing(error)) return null', reason: '403 or 404 for what may not be entered, and one way or another to say 404' },
  { file: '03-static/open-file.ts', line: 'if (isMissing(error)) return null', replacements: ['false'], reason: 'the same: 404 in another way, for what has gone between two looks' },
  { file: '03-static/entity-tag.ts', line: 'const settled', replacements: ['false', 'nowMs - version.mtimeMs > SETTLED_MS'], reason: 'a tag may always be weak; and a second is only a large enough step' },
  { file: '03-static/entity-tag.ts', line: 'return value.match(', mutators: ['ArrayDeclaration'], reason: 'the same: what is not a tag matches nothing' },
  { file: '03-static/if-range.ts', line: 'nowMs - lastModifiedMs < DATE_SETTLED_MS', mutators: ['EqualityOperator'], replacements: ['nowMs - lastModifiedMs <= DATE_SETTLED_MS'], reason: BOUND },
  { file: '03-static/range.ts', line: 'specifier === null || size === 0', original: 'size === 0', replacements: ['false'], reason: 'no range of an empty file can be satisfied: 416 is as right as 200' },
  { file: '03-static/range.ts', line: 'if (given.length === 0)', replacements: ['false'], reason: 'a list of nothing is not valid: 416 is as right as 200' },
  { file: '03-static/range.ts', line: 'specs.length > rangesMax', mutators: ['EqualityOperator'], replacements: ['specs.length >= rangesMax'], reason: BOUND },
  { file: '03-static/range.ts', line: 'a.firstPos <= b.lastPos + 1', mutators: ['EqualityOperator'], reason: 'ranges that touch may be joined or not' },
  { file: '03-static/multipart.ts', line: 'index === 0 ?', replacements: ['false'], reason: 'a line end before the first boundary belongs to the preamble (RFC 2046 §5.1.1)' },
  { file: '03-static/accept-encoding.ts', line: 'const MEMBER', mutators: ['Regex'], replacements: [MEMBER.replace('/^', '/'), MEMBER.replace('$/', '/')], reason: 'what happens to a member that is not valid is free' },
  { file: '03-static/media-type.ts', line: ['rank(type, entry) > rank(other', 'return registered + standard'], mutators: ['EqualityOperator', 'ArithmeticOperator'], reason: 'which of several types a rare extension has is free' },
  { file: '03-static/media-type.ts', line: 'entry.extensions ?? []', mutators: ['ArrayDeclaration'], reason: 'an extension that no file has' },
  { file: '03-static/representation.ts', line: ['const lasting: HeaderPair[] = []', 'const fields: HeaderPair[] = []'], mutators: ['ArrayDeclaration'], reason: STRANGE },
  { file: '03-static/representation.ts', line: ['const isLasting', 'settings.headers.filter(isLasting)'], mutators: ['Regex', 'MethodExpression'], reason: 'which other fields a 304 repeats is free (RFC 9110 §15.4.5: SHOULD NOT); those that it MUST have are tested' },
  { file: '03-static/representation.ts', line: 'if (settings.encodings.length > 0)', replacements: ['true', 'settings.encodings.length >= 0'], reason: 'a Vary too many does no harm' },
  { file: '03-static/file-cache.ts', line: ['entry.checkedAtMs >= this.#windowMs', 'underWay.startedAtMs < this.#windowMs', 'entry.bytes > this.#bytesMax', 'this.#bytes <= this.#bytesMax'], mutators: ['EqualityOperator'], replacements: ['this.#clock() - entry.checkedAtMs > this.#windowMs', 'now - underWay.startedAtMs <= this.#windowMs', 'entry.bytes >= this.#bytesMax', 'this.#bytes < this.#bytesMax'], reason: BOUND },
  { file: '03-static/cached-source.ts', line: 'file.size > this.#settings.cacheFileBytesMax', mutators: ['EqualityOperator'], reason: BOUND },

  // What a test cannot bring about
  { file: '03-static/root.ts', line: '} catch (error) {', mutators: ['BlockStatement'], original: /^\{\s+throw fileError\(error\);\s+\}$/, reason: DISK },
  { file: '03-static/file-system.ts', line: 'fs.read(fd, buffer', mutators: ['ConditionalExpression'], reason: DISK },
  { file: '03-static/file-error.ts', line: ['if (status === undefined) return error', "error instanceof Error && 'code' in error", "typeof code === 'string' && Object.hasOwn"], mutators: ['ConditionalExpression', 'LogicalOperator'], reason: 'for errors that no file system gives unless it is broken' },
  { file: '03-static/open-file.ts', line: ['(constants.O_NOFOLLOW ?? 0)', '} catch (error) {'], mutators: ['LogicalOperator', 'BlockStatement'], replacements: ['constants.O_NOFOLLOW && 0', '{}'], reason: DISK },
  { file: '03-static/static-files.ts', line: ['} catch (error) {', 'body.close();', 'found.content.close();'], mutators: ['BlockStatement', 'CallExpression'], reason: 'for a first read that fails, and for an exercise that is not written yet' },
  { file: '03-static/cached-source.ts', line: '} catch (error) {', mutators: ['BlockStatement'], reason: DISK },
  { file: '03-static/cached-source.ts', line: ['const settled = Date.now()', 'return bytes === null ?', 'if (bytesRead === 0) return null', 'bytes.length - position, position', 'return (await file.isUnchanged()) ? bytes'], reason: 'for a file that changes while it is read, or twice within one step of a coarse clock' },
  { file: '03-static/cached-source.ts', line: 'return a.ino === b.ino && a.dev === b.dev', mutators: ['ConditionalExpression', 'LogicalOperator'], original: /^(?!.*ctimeMs)|a\.ino === b\.ino && .* && a\.ctimeMs === b\.ctimeMs$/, reason: 'each of them is for a disk on which the time of change is too coarse to tell; that it is looked at is tested' },
];
