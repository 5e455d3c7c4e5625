/** `bench`: runs course/bench/NAME.ts. */
import { join } from 'node:path';
import { listFiles } from '../files.ts';
import { nearest } from '../names.ts';
import { UsageProblem } from '../problem.ts';
import { ROOT } from '../root.ts';
import { runNode } from '../run-tool.ts';
import { listed } from '../screen.ts';

export async function run(args: readonly string[]): Promise<number> {
  const folder = join(ROOT, 'course', 'bench');
  const names = listFiles(folder).filter((file) => /^[^/]+(?<!\.test)\.ts$/.test(file)).map((file) => file.slice(0, -3));
  const [name, ...rest] = args;
  if (name === undefined || !names.includes(name)) {
    const close = name === undefined ? undefined : nearest(name, names);
    const what = name === undefined ? 'Which benchmark?' : `There is no benchmark "${name}".`;
    const known = names.length === 0 ? 'There are none yet.' : `You can run ${listed(names)}.`;
    throw new UsageProblem([what, ...(close === undefined ? [] : [`Did you mean ${close}?`]), known].join(' '));
  }
  return runNode(join(folder, `${name}.ts`), rest);
}
