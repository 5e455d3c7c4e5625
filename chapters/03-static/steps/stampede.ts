/** A cache as it is written on the first day, and its first second: `npx tsx chapters/03-static/steps/stampede.ts`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const file = join(import.meta.dirname, '..', 'public', 'index.html');
let reads = 0;

// #region naive
const cache = new Map<string, Buffer>();

async function cached(path: string): Promise<Buffer> {
  const found = cache.get(path);
  if (found !== undefined) return found;
  reads++;
  const bytes = await readFile(path);
  cache.set(path, bytes);
  return bytes;
}
// #endregion naive

await Promise.all(Array.from({ length: 500 }, () => cached(file)));
console.log(`500 requests at once: ${reads} reads`);
await cached(file);
console.log(`one more, later:      ${reads} reads`);
