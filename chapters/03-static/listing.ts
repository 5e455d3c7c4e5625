/**
 * A directory as a page: a table of links, for keyboard, phone and dark rooms, without a script.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { HttpResponse } from '../02-http/index.ts';
import type { DirectoryEntry } from './directory-entry.ts';
import { escapeHtml } from './html.ts';
import type { Settings } from './options.ts';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.25rem; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-weight: 600; }
th, td { padding: 0; border-bottom: 1px solid #8884; }
th:not(:first-child), td:not(:first-child) { padding: 0 0 0 1rem; text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td:first-child { overflow-wrap: anywhere; }
a { display: block; padding: .5rem .25rem; color: light-dark(#0645ad, #8ab4f8); text-decoration: none; }
a:hover { text-decoration: underline; }
a:focus-visible { outline: 2px solid; outline-offset: -2px; }
@media (max-width: 40rem) { .date { display: none; } }
`;

/** Names come from anyone who can write files: nothing that they might smuggle in will run. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/**
 * The listing of a directory.
 *
 * @param names of the directory, below the root
 */
export function listing(names: readonly string[], entries: readonly DirectoryEntry[], settings: Settings): HttpResponse {
  const fields = [
    ['Content-Type', 'text/html; charset=utf-8'],
    ['Content-Security-Policy', POLICY],
    // What is in a directory changes without notice.
    ['Cache-Control', 'no-cache'],
    ...settings.headers,
  ] as const;
  return new HttpResponse(200, fields, listingPage(names, entries));
}

/** The page itself. */
export function listingPage(names: readonly string[], entries: readonly DirectoryEntry[]): string {
  const title = escapeHtml(`/${names.map((name) => `${name}/`).join('')}`);
  const parent = names.length === 0 ? '' : row('../', '../', '', '');
  const rows = entries.map((entry) => row(reference(entry), nameOf(entry), entry.isDirectory ? '' : sizeCell(entry.size), dateCell(entry.mtimeMs)));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<table>
<thead><tr><th scope="col">Name</th><th scope="col">Size</th><th scope="col" class="date">Modified (UTC)</th></tr></thead>
<tbody>
${parent}${rows.join('')}</tbody>
</table>
${entries.length === 0 ? '<p>Nothing here.</p>\n' : ''}</main>
</body>
</html>
`;
}

function row(reference: string, name: string, size: string, date: string): string {
  return `<tr><td><a href="${escapeHtml(reference)}">${escapeHtml(name)}</a></td><td>${size}</td><td class="date">${date}</td></tr>\n`;
}

/** Every character that has a meaning in a URL is encoded: `a?b`, `#c`, `100%` and `x:y` are names of files. */
function reference(entry: DirectoryEntry): string {
  // TODO 3.3  The link to an entry, from the page of its directory. A link to a directory ends in a slash.
  throw new NotImplemented('3.3');
}

function nameOf(entry: DirectoryEntry): string {
  return entry.isDirectory ? `${entry.name}/` : entry.name;
}

function sizeCell(bytes: number): string {
  return `<span title="${bytes.toLocaleString('en')} bytes">${formatSize(bytes)}</span>`;
}

function dateCell(timeMs: number): string {
  // A file system can hold times that a Date cannot: tmpfs takes the year 287,000.
  if (Number.isNaN(new Date(timeMs).getTime())) return '';
  const iso = new Date(timeMs).toISOString();
  return `<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')}</time>`;
}

/** `117 B`, `1.4 KiB`, `20 MiB`. */
export function formatSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = bytes;
  let unit = 0;
  for (; size >= 1023.5 && unit < units.length - 1; unit++) size /= 1024;
  return `${unit > 0 && size < 9.95 ? size.toFixed(1) : size.toFixed(0)} ${units[unit]}`;
}
