/** `pack-starters`: makes what is in chapters/ the pristine starters. For maintainers. */
import { parseCommand } from '../options.ts';
import { Problem } from '../problem.ts';
import { shown } from '../root.ts';
import { count, print } from '../screen.ts';
import { packStarters, starterDrift } from '../starters.ts';

export async function run(args: readonly string[]): Promise<number> {
  parseCommand(args, { command: 'pack-starters', options: {} });
  const changed = drift();
  const { path, files } = packStarters();
  for (const file of changed) print(`  chapters/${file}`);
  print(`${shown(path)}: ${count(files, 'starter')}, ${changed.length === 0 ? 'nothing new' : `${changed.length} of them new, changed or gone`}.`);
  return 0;
}

/** Against a pack that is missing, everything is new. */
function drift(): string[] {
  try {
    return starterDrift();
  } catch (error) {
    if (error instanceof Problem) return [];
    throw error;
  }
}
