/** `check`: the hidden tests on any tree, the learner's unless `--subject` names another. */
import { CHECK_OPTIONS, checkTree } from '../check-tree.ts';
import { parseCommand } from '../options.ts';

const USAGE = 'chapter-04 | 4.2 [--subject DIR] [--json FILE] [--seed N] [--all]';

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, { command: 'check', usage: USAGE, options: CHECK_OPTIONS, namesMax: 2 });
  return checkTree('check', positionals, values);
}
