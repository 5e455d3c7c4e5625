/**
 * `lint`: markdownlint over the lessons and the docs, by the rules in
 * .markdownlint.jsonc, and then the word list of self-check/plain-english.ts.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../root.ts';
import { runNode, runTool } from '../run-tool.ts';

const MARKDOWN = ['README.md', 'CONTRIBUTING.md', 'docs', 'chapters', 'solutions'];

export async function run(args: readonly string[]): Promise<number> {
  const places = MARKDOWN.filter((place) => existsSync(join(ROOT, place)));
  const marks = await runTool('markdownlint-cli/markdownlint.js', [...args, ...places]);
  const words = await runNode(join(ROOT, 'course', 'self-check', 'plain-english.ts'), []);
  return marks === 0 ? words : marks;
}
