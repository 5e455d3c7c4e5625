/** `solution`: the hidden tests on the reference. */
import { CHECK_OPTIONS, checkTree } from '../check-tree.ts';
import { parseCommand } from '../options.ts';

const { subject: _, ...OPTIONS } = CHECK_OPTIONS;

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, { command: 'solution', options: OPTIONS, namesMax: 2 });
  return checkTree('solution', positionals, { ...values, subject: 'solutions' });
}
