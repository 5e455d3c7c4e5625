/** Writes a file as often as possible and looks at its times: `npx tsx chapters/03-static/steps/same-time.ts`. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'same-time-'));
const file = join(folder, 'price.txt');

// #region versions
const times: number[] = [];
for (let price = 1000; price < 2000; price++) {
  writeFileSync(file, `${price}\n`); // A thousand versions, all of five bytes.
  times.push(statSync(file).mtimeMs);
}
// #endregion versions
const seconds = new Set(times.map((time) => Math.floor(time / 1000)));
console.log(`1,000 versions in ${Math.ceil(times.at(-1)! - times[0]!)} ms`);
console.log(`${new Set(times).size} different times of modification, as the file system keeps them`);
console.log(`${seconds.size} as Last-Modified can say it`);
rmSync(folder, { recursive: true });
