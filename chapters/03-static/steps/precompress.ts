/** Writes the encoded siblings of a file: `npx tsx chapters/03-static/steps/precompress.ts FILE…`. */
import { readFileSync, utimesSync, statSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

for (const file of process.argv.slice(2)) {
  const bytes = readFileSync(file);
  const siblings = {
    '.gz': gzipSync(bytes, { level: 9 }),
    '.br': brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
  };
  console.log(`${String(bytes.length).padStart(7)}  ${file}`);
  for (const [extension, encoded] of Object.entries(siblings)) {
    writeFileSync(file + extension, encoded);
    // As old as the original: an older one counts as out of date.
    const { atime, mtime } = statSync(file);
    utimesSync(file + extension, atime, mtime);
    console.log(`${String(encoded.length).padStart(7)}  ${file}${extension}`);
  }
}
