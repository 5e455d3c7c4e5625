/** `attack`: runs one of the attacks of chapter 08 on a server of this machine. */
import { join } from 'node:path';
import { listFiles } from '../files.ts';
import { nearest } from '../names.ts';
import { npmUsage, parseCommand } from '../options.ts';
import { UsageProblem } from '../problem.ts';
import { ROOT } from '../root.ts';
import { runNode } from '../run-tool.ts';
import { listed, wrap } from '../screen.ts';

const OPTIONS = {
  port: { type: 'string' },
  host: { type: 'string' },
  tls: { type: 'boolean' },
  path: { type: 'string' },
  connections: { type: 'string' },
  seconds: { type: 'string' },
} as const;

export async function run(args: readonly string[]): Promise<number> {
  const folder = join(ROOT, 'chapters', '08-production', 'attacks');
  const names = listFiles(folder).filter((file) => /^[\w-]+\.ts$/.test(file)).map((file) => file.slice(0, -3)).toSorted();
  const { values, positionals: [name] } = parseCommand(args, { command: 'attack', options: OPTIONS, namesMax: 1 });
  if (name === undefined || !names.includes(name)) {
    const close = name === undefined ? undefined : nearest(name, names);
    const what = name === undefined ? 'Which attack?' : `There is no attack "${name}".`;
    const known = names.length === 0 ? 'There are none in chapters/08-production/attacks.' : `There are ${listed(names)}.`;
    throw new UsageProblem(`${wrap([what, ...(close === undefined ? [] : [`Did you mean ${close}?`]), known].join(' '))}\nUse: ${npmUsage('attack')}`);
  }
  const flags = Object.entries(values).flatMap(([flag, value]) => (value === true ? [`--${flag}`] : [`--${flag}=${value}`]));
  return await runNode(join(folder, 'shared', 'main.ts'), [name, ...flags]);
}
