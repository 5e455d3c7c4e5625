/** What a new version of the course brings, told from its files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { blob } from './git.ts';
import type { Tree } from './git.ts';
import type { Chapter } from './manifest.ts';
import { count, listed } from './screen.ts';

/** Sentences: chapters and exercises that are new, and those that changed. */
export async function newsOf(before: Tree, after: Tree): Promise<string[]> {
  const [old, now] = [await chaptersOf(before), await chaptersOf(after)];
  if (old === undefined || now === undefined) return [];
  const news: string[] = [];
  const known = new Set(old.flatMap(({ exercises }) => exercises.map(({ id }) => id)));
  const changed: string[] = [];
  const lessons: string[] = [];
  for (const { number, folder, title, exercises } of now) {
    const name = `chapter-${String(number).padStart(2, '0')}`;
    const fresh = exercises.filter(({ id }) => !known.has(id));
    if (exercises.length > 0 && fresh.length === exercises.length) {
      news.push(`${name} ${title} is new, with ${count(exercises.length, 'exercise')}.`);
      continue;
    }
    if (fresh.length > 0) news.push(`New in ${name}: ${listed(fresh.map(({ id, title }) => `${id} ${title}`))}.`);
    changed.push(...exercises.filter(({ id }) => known.has(id) && testOf(before, name, id) !== testOf(after, name, id)).map(({ id }) => id));
    if (exercises.length > 0 && before.get(`chapters/${folder}/README.md`)?.oid !== after.get(`chapters/${folder}/README.md`)?.oid) lessons.push(name);
  }
  if (changed.length > 0) news.push(`What is checked has changed in ${listed(changed)}.`);
  if (lessons.length > 0) news.push(`The lesson has changed in ${listed(lessons)}.`);
  const ids = new Set(now.flatMap(({ exercises }) => exercises.map(({ id }) => id)));
  const gone = [...known].filter((id) => !ids.has(id));
  if (gone.length > 0) news.push(`${listed(gone)} ${gone.length === 1 ? 'is' : 'are'} no longer part of the course.`);
  return news;
}

/** The content of an exercise's hidden test, as git names it. */
function testOf(tree: Tree, chapter: string, id: string): string | undefined {
  const prefix = `tests/${chapter}/${id}-`;
  for (const [path, { oid }] of tree) if (path.startsWith(prefix) && path.endsWith('.test.ts')) return oid;
  return undefined;
}

/** The map that comes with a version; undefined where we do not understand it. */
async function chaptersOf(tree: Tree): Promise<readonly Chapter[] | undefined> {
  const manifest = tree.get('course/manifest.ts');
  if (manifest === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'ten-servers-manifest-'));
  try {
    const file = join(folder, 'manifest.ts');
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
    writeFileSync(file, blob(manifest.oid));
    const { chapters } = (await import(pathToFileURL(file).href)) as { chapters: readonly Chapter[] };
    // What is still being written is not news yet.
    return chapters.map((chapter) => ({ ...chapter, exercises: chapter.inTheMaking ? [] : [...chapter.exercises] }));
  } catch {
    // A later version may keep its map in another way. What it brings is news, and the update does not need it.
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What package.json says. */
export function versionOf(tree: Tree): string {
  const entry = tree.get('package.json');
  const { version } = (entry === undefined ? {} : JSON.parse(blob(entry.oid).toString())) as { version?: string };
  return version ?? 'without a number';
}
