/** Everything typechecks: the repository, the untouched starters and, in `test:all`, every submission that is right. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { listFiles } from '../files.ts';
import { ROOT, shown } from '../root.ts';
import { writeStarterTree } from '../starters.ts';
import { buildSubmission, listSubmissions } from './submission.ts';
import { compilerOptions } from './compiler.ts';
import { oneUnit } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { scratch } from './scratch.ts';

/** More than these and the first ones are the ones to mend. */
const SHOWN_MAX = 30;

export function findFaults(all: boolean): Outcome {
  const folder = scratch('types');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  try {
    return oneUnit(typeErrors([...repositoryFiles(), ...starterFiles(join(folder, 'starters')), ...(all ? submissionFiles(folder) : [])]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `chapters/` is left out: it is the learner's, half-done on most days. */
function repositoryFiles(): string[] {
  return ['solutions', 'tests', 'course', 'docs']
    .flatMap((name) => listFiles(join(ROOT, name)).map((file) => join(ROOT, name, file)))
    .filter((file) => file.endsWith('.ts') && !/[\\/]submissions[\\/]/.test(file));
}

function starterFiles(tree: string): string[] {
  writeStarterTree(tree);
  return listFiles(tree).filter((file) => file.endsWith('.ts')).map((file) => join(tree, file));
}

function submissionFiles(folder: string): string[] {
  return listSubmissions()
    .filter((submission) => submission.kind !== 'wrong')
    .flatMap((submission) => {
      const tree = join(folder, `${submission.kind}-${submission.name}`);
      return buildSubmission(submission, tree).filter((file) => file.endsWith('.ts')).map((file) => join(tree, file));
    });
}

/** Only these files are looked at: what a submission shares with the reference is there a hundred times. */
function typeErrors(files: readonly string[]): string[] {
  const program = ts.createProgram(files, compilerOptions());
  const diagnostics = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...files.flatMap((file) => {
      const source = program.getSourceFile(file);
      return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    }),
  ];
  const errors = diagnostics.map((diagnostic) => {
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ');
    if (!diagnostic.file || diagnostic.start === undefined) return message;
    const { line } = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start);
    return `${shown(diagnostic.file.fileName)}:${line + 1}  ${message}`;
  });
  if (errors.length <= SHOWN_MAX) return errors;
  return [...errors.slice(0, SHOWN_MAX), `and ${errors.length - SHOWN_MAX} more type errors`];
}
