/** `lint`: markdownlint over the lessons and the docs; its rules are in .markdownlint.jsonc. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../root.ts';
import { runTool } from '../run-tool.ts';

const MARKDOWN = ['README.md', 'CONTRIBUTING.md', 'docs', 'chapters', 'solutions'];

export async function run(args: readonly string[]): Promise<number> {
  const places = MARKDOWN.filter((place) => existsSync(join(ROOT, place)));
  return runTool('markdownlint-cli/markdownlint.js', [...args, ...places]);
}
