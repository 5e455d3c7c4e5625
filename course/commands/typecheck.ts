/** `typecheck`: the TypeScript compiler over everything. */
import { runTool } from '../run-tool.ts';

export async function run(args: readonly string[]): Promise<number> {
  return runTool('typescript/bin/tsc', ['-p', '.', ...args]);
}
