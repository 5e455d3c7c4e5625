/** `test`: with a name, the check of the learner's tree; without, the course checks itself. */
import { CHECK_OPTIONS, checkTree } from '../check-tree.ts';
import { parseCommand } from '../options.ts';
import { UsageProblem } from '../problem.ts';
import { requireTestRunner } from '../run-tool.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, { command: 'test', options: CHECK_OPTIONS, namesMax: 2 });
  if (positionals.length > 0) return checkTree('test', positionals, values);
  const flag = Object.keys(values)[0];
  if (flag !== undefined) {
    throw new UsageProblem(`--${flag} goes with a chapter or an exercise, such as: npm test chapter-01 -- --${flag}`);
  }
  requireTestRunner();
  const { selfCheck } = await import('../self-check/index.ts');
  return selfCheck({ all: false });
}
