/** `docs`: the API reference out of every solution's index.ts; see docs/typedoc.json. */
import { runTool } from '../run-tool.ts';

export async function run(args: readonly string[]): Promise<number> {
  return runTool('typedoc/bin/typedoc', ['--options', 'docs/typedoc.json', ...args]);
}
