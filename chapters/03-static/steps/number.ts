/** A descriptor is a number, and numbers are used again: `npx tsx chapters/03-static/steps/number.ts`. */
import { closeSync, mkdtempSync, openSync, read, rmSync, writeFileSync } from 'node:fs';
import { pbkdf2 } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'number-'));
writeFileSync(join(folder, 'cat.txt'), 'a picture of a cat');
writeFileSync(join(folder, 'salaries.txt'), 'what everybody earns');

// Four threads do Node's reading. While they are busy with something else, it waits, as it would for a slow disk.
for (let i = 0; i < 4; i++) pbkdf2('', '', 300_000, 64, 'sha512', () => {});

// #region race
const buffer = Buffer.alloc(20);
const cat = openSync(join(folder, 'cat.txt'), 'r');
read(cat, buffer, 0, 20, 0, () => {
  console.log('the client who asked for the cat gets:', buffer.toString());
});
closeSync(cat); // That client has left.

const salaries = openSync(join(folder, 'salaries.txt'), 'r'); // Another client comes.
console.log('cat.txt was', cat, 'and salaries.txt is', salaries);
// #endregion race
process.on('exit', () => {
  closeSync(salaries);
  rmSync(folder, { recursive: true });
});
