/** The compiler as tsconfig.json sets it up, for checks that look at types. */
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from '../root.ts';

export function compilerOptions(): ts.CompilerOptions {
  const file = join(ROOT, 'tsconfig.json');
  const { config } = ts.readConfigFile(file, (path) => ts.sys.readFile(path)) as { config: unknown };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  return { ...options, typeRoots: [join(ROOT, 'node_modules', '@types')] };
}
