/**
 * Four ways in which people have mended a static server, and what gets past each: `npx tsx chapters/03-static/steps/fixes.ts`.
 *
 * It makes a directory to serve, /tmp/…/www, and beside it things that nobody should see.
 */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';

const top = realpathSync(mkdtempSync(join(tmpdir(), 'fixes-')));
const root = join(top, 'www');
mkdirSync(root);
mkdirSync(join(top, 'www-private'));
writeFileSync(join(root, 'index.html'), 'hello');
for (const file of ['secret', 'www-private/secret']) writeFileSync(join(top, file), 'SECRET');
symlinkSync(top, join(root, 'up'));

// #region fixes
const fixes: Record<string, (path: string) => string | null> = {
  'cut out ../': (path) => join(root, decodeURIComponent(path.replaceAll('../', ''))),
  'refuse ..': (path) => (path.includes('..') ? null : join(root, decodeURIComponent(path))),
  'decode until done': (path) => {
    while (path.includes('%')) path = decodeURIComponent(path);
    return path.includes('..') ? null : join(root, path);
  },
  'compare prefixes': (path) => {
    const file = normalize(join(root, decodeURIComponent(path)));
    return file.startsWith(root) ? file : null;
  },
};
// #endregion fixes

const paths = ['/index.html', '/../secret', '/....//secret', '/%2e%2e/secret', '/../www-private/secret', '/up/secret', '/100%25'];
console.log(''.padEnd(25), Object.keys(fixes).map((name) => name.padEnd(19)).join('').trimEnd());
for (const path of paths) {
  const results = Object.values(fixes).map((fix) => {
    try {
      const file = fix(path);
      return file === null ? 'refused' : readFileSync(file, 'utf8');
    } catch (error) {
      return error instanceof URIError ? 'URIError' : 'not found';
    }
  });
  console.log(path.padEnd(25), results.map((result) => result.padEnd(19)).join('').trimEnd());
}
rmSync(top, { recursive: true });
