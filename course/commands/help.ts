/** `help`: every command with its usage. */
import { COMMANDS } from '../command-list.ts';
import { npmUsage, parseCommand } from '../options.ts';
import { print } from '../screen.ts';

export async function run(args: readonly string[]): Promise<number> {
  parseCommand(args, { command: 'help', options: {} });
  print('Ten Servers: from a raw socket to systemd, in TypeScript.');
  for (const maintainer of [false, true]) {
    print(maintainer ? '\nFor maintainers of the course:\n' : '\nThe commands:\n');
    for (const [name, entry] of Object.entries(COMMANDS)) {
      if ((entry.maintainer ?? false) !== maintainer) continue;
      print(`  ${npmUsage(name)}\n      ${entry.summary}`);
    }
  }
  print('\nName a chapter as 4, 04, chapter-04, workers or 04-workers, and an exercise as 4.2.');
  print('Exit codes: 0 passed, 1 failed, 2 wrong use, 3 not judged because the machine was too busy.');
  return 0;
}
