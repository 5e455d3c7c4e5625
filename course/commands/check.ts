/** `check`: the hidden tests on any tree, the learner's unless `--subject` names another. */
import { CHECK_OPTIONS, checkTree } from '../check-tree.ts';
import { parseCommand } from '../options.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, { command: 'check', options: CHECK_OPTIONS, namesMax: 2 });
  return checkTree('check', positionals, values);
}
