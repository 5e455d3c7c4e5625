/**
 * The media type of a file, by its name's extension. The table is mime-db's: it gathers IANA's, Apache's and nginx's.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { extname } from 'node:path';

import database from 'mime-db';
import type { MimeEntry } from 'mime-db';

/** What a browser saves and does not open (RFC 9110 §8.3 allows sending no type; then it would guess). */
const UNKNOWN = 'application/octet-stream';

const byExtension = new Map<string, string>();
for (const [type, entry] of Object.entries(database)) {
  for (const extension of entry.extensions ?? []) {
    const other = byExtension.get(extension);
    if (other === undefined || rank(type, entry) > rank(other, database[other]!)) byExtension.set(extension, type);
  }
}

/** Several types claim some extensions: the registered one wins, then the one that says more than "application". */
function rank(type: string, entry: MimeEntry): number {
  const registered = entry.source === 'iana' ? 4 : 0;
  const standard = /\/(x-|vnd\.|prs\.)/.test(type) ? 0 : 2;
  return registered + standard + (type.startsWith('application/') ? 0 : 1);
}

/**
 * The media type of a file name, with the charset of text: `text/html; charset=utf-8`.
 * `application/octet-stream` for an extension that nobody knows.
 */
export function mediaType(name: string): string {
  // TODO 3.2  Look the extension up, in upper or lower case. Text is in UTF-8, and has to say so. (But text/xml
  //           says itself what it is written in, and a charset would overrule that.)
  throw new NotImplemented('3.2');
}
