/**
 * A representation: content and everything that is said about it, ready to be sent.
 */

import type { HeaderPair } from '../02-http/index.ts';
import type { CodingOrIdentity } from './accept-encoding.ts';
import type { Content } from './content.ts';
import { entityTag } from './entity-tag.ts';
import type { Version } from './entity-tag.ts';
import { mediaType } from './media-type.ts';
import type { Settings } from './options.ts';
import type { Validators } from './preconditions.ts';

export interface Representation extends Validators {
  readonly content: Content;
  readonly mediaType: string;
  /** The fields of a 200, without Content-Length. */
  readonly fields: readonly HeaderPair[];
  /** Those of them that a 304 has too. */
  readonly notModifiedFields: readonly HeaderPair[];
}

/**
 * Describes content.
 *
 * @param name of the file, without the extension of its coding
 * @param version of the file that the bytes are in
 */
export function represent(content: Content, name: string, version: Version, coding: CodingOrIdentity, settings: Settings): Representation {
  const type = mediaType(name);
  const { etag, lastModifiedMs } = validators(version, coding, Date.now());
  const described: HeaderPair[] = [['Content-Type', type]];
  if (coding !== 'identity') described.push(['Content-Encoding', coding]);
  if (lastModifiedMs !== null) described.push(['Last-Modified', httpDate(lastModifiedMs)]);
  described.push(['Accept-Ranges', 'bytes']);
  // RFC 9110 §15.4.5: of these a 304 MUST have what the 200 would have had; of the others it SHOULD have none.
  const lasting: HeaderPair[] = [];
  if (etag !== null) lasting.push(['ETag', etag]);
  lasting.push(...cachingFields(settings));
  const overridden = new Set(settings.headers.map(([field]) => field.toLowerCase()));
  overridden.delete('vary');
  const remains = ([field]: HeaderPair): boolean => !overridden.has(field.toLowerCase());
  const isLasting = ([field]: HeaderPair): boolean => !/^(content-(?!location)|last-modified|accept-ranges)/i.test(field);
  return {
    content,
    mediaType: type,
    etag,
    lastModifiedMs,
    fields: [...[...described, ...lasting].filter(remains), ...settings.headers],
    notModifiedFields: [...lasting.filter(remains), ...settings.headers.filter(isLasting)],
  };
}

/** A time in the preferred format, IMF-fixdate (RFC 9110 §5.6.7). */
function httpDate(timeMs: number): string {
  return new Date(timeMs).toUTCString();
}

/** What a version of a file is recognised by. */
export function validators(version: Version, coding: CodingOrIdentity, nowMs: number): Validators {
  // TODO 3.4  The entity tag (for `entityTag`, identity is not a coding: `''`), and the time of modification as it can
  //           be sent: in whole seconds, never in the future, and `null` for one before the year 0.
  return { etag: null, lastModifiedMs: null };
}

/** How caches may keep it: for as long as was chosen, and separately for each coding if there may be several. */
export function cachingFields(settings: Settings): readonly HeaderPair[] {
  // TODO 3.6  Cache-Control, if one was chosen, and Vary wherever the answer may depend on Accept-Encoding.
  return [];
}
