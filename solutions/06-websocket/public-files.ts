/** The few files of a page, read once and served from memory. For a folder of any size there is chapter 03. */

import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';

import type { HeaderPair } from '../02-http/index.ts';
import { answer } from './answer.ts';
import type { HttpApp } from './async-app.ts';

interface PublicFile {
  readonly bytes: Buffer;
  readonly tag: string;
  readonly headers: readonly HeaderPair[];
}

/** The page may use its own files and this server, and nothing else may use the page. */
const POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** What a page is made of. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Serves the files that are in a folder now, `index.html` for the folder itself; those in folders below are not. */
export function publicFiles(folder: string): HttpApp {
  const files = new Map<string, PublicFile>();
  for (const name of readdirSync(folder)) files.set(`/${name}`, publicFile(join(folder, name)));
  const index = files.get('/index.html');
  if (index !== undefined) files.set('/', index);
  return async (scope, _receive, send) => {
    const file = files.get(scope.path);
    const isRead = scope.method === 'GET' || scope.method === 'HEAD';
    if (file === undefined) return answer(send, 404);
    if (!isRead) return answer(send, 405, [['Allow', 'GET, HEAD']]);
    // RFC 9110 §13.1.2: the same representation need not be sent again.
    const isKnown = scope.headers.some(([name, value]) => name === 'if-none-match' && value.includes(file.tag));
    await send({ type: 'http.response.start', status: isKnown ? 304 : 200, headers: file.headers });
    await send({ type: 'http.response.body', body: file.bytes });
  };
}

function publicFile(path: string): PublicFile {
  const bytes = readFileSync(path);
  const tag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  const headers: HeaderPair[] = [
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
