/** `test:all`: what CI runs. */
import { parseCommand } from '../options.ts';
import { requireTestRunner } from '../run-tool.ts';

export async function run(args: readonly string[]): Promise<number> {
  parseCommand(args, { command: 'test:all', options: {} });
  requireTestRunner();
  const { selfCheck } = await import('../self-check/index.ts');
  return selfCheck({ all: true });
}
