/**
 * Chapter 03, a static file server: the only door into this chapter.
 */

export { staticFiles } from './static-files.ts';
export type { StaticOptions } from './options.ts';

// 3.1 a safe path
export { decodePath } from './decode-path.ts';
export type { DecodedPath } from './decode-path.ts';
export { mayBeServed } from './path-name.ts';
export type { NameRules } from './path-name.ts';
export { isWithin, resolvePath, Root } from './root.ts';
export type { RootOptions } from './root.ts';

// 3.2 streaming a file
export { BufferPool } from './buffer-pool.ts';
export { FileBody } from './file-body.ts';
export { OpenFile } from './open-file.ts';
export { mediaType } from './media-type.ts';

// 3.3 directories
export { escapeHtml } from './html.ts';
export { listingPage } from './listing.ts';
export type { DirectoryEntry } from './directory-entry.ts';

// 3.4 validators
export { parseHttpDate } from './parse-http-date.ts';
export { entityTag, matchesStrongly, matchesWeakly, parseEntityTags } from './entity-tag.ts';
export type { Version } from './entity-tag.ts';
export { evaluatePreconditions } from './preconditions.ts';
export type { Validators } from './preconditions.ts';

// 3.5 ranges
export { parseRange } from './range.ts';
export type { ByteRange } from './byte-range.ts';
export { ifRangeHolds } from './if-range.ts';

// 3.6 caching and encodings
export { preferredCodings } from './accept-encoding.ts';
export type { Coding, CodingOrIdentity } from './accept-encoding.ts';

// 3.7 a small-file cache
export { FileCache } from './file-cache.ts';
export type { FileCacheOptions, Filled } from './file-cache.ts';

// the tool
export { accessLog, logLine } from './access-log.ts';
export type { AccessLogEntry } from './access-log.ts';
