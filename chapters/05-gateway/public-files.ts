/** The few files of a page, read once and served from memory. For a folder of any size there is chapter 03. */

import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';

import { answer } from './answer.ts';
import type { GatewayApp, GatewayHeader } from './gateway.ts';

interface PublicFile {
  readonly bytes: Buffer;
  readonly tag: string;
  readonly headers: readonly GatewayHeader[];
}

/** The page may use its own files and this server, and no other page may embed it. */
const POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** What a page is made of. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

/** Serves the files that are in a folder now, `index.html` for the folder itself; those in folders below are not. */
export function publicFiles(folder: string): GatewayApp {
  const files = new Map<string, PublicFile>();
  for (const name of readdirSync(folder)) files.set(`/${name}`, publicFile(join(folder, name)));
  const index = files.get('/index.html');
  if (index !== undefined) files.set('/', index).set('', index);
  return (environ, startResponse) => {
    const file = files.get(environ.PATH_INFO);
    if (file === undefined) return answer(startResponse, 404);
    // RFC 9110 §13.1.2: the same representation need not be sent again.
    const known = environ['HTTP_IF_NONE_MATCH'];
    const isKnown = typeof known === 'string' && matches(known, file.tag);
    startResponse(isKnown ? '304 Not Modified' : '200 OK', file.headers);
    return isKnown ? [] : [file.bytes];
  };
}

function publicFile(path: string): PublicFile {
  const bytes = readFileSync(path);
  const tag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  const headers: GatewayHeader[] = [
    ['Content-Type', TYPES[extname(path)] ?? 'application/octet-stream'],
    ['Content-Length', String(bytes.length)],
    ['ETag', tag],
    ['Cache-Control', 'no-cache'],
    ['Content-Security-Policy', POLICY],
    ['X-Content-Type-Options', 'nosniff'],
    ['Referrer-Policy', 'no-referrer'],
  ];
  return { bytes, tag, headers };
}

/** RFC 9110 §13.1.2: compared weakly. No tag of ours has a comma in it. */
function matches(field: string, tag: string): boolean {
  return field.trim() === '*' || field.split(',').some((known) => known.trim().replace(/^W\//, '') === tag);
}
