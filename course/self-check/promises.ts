/**
 * No promise of the servers is left alone: one that nobody awaits, returns or keeps ends in `.catch(…)`.
 *
 * A promise that rejects and has no handler ends the process, and with it every other client. So these are faults:
 *
 * - a promise as a statement, whose last call is not `.catch(…)`. `.then(f, g)` is not enough: `f` may throw.
 * - `void promise`, which only hides it.
 * - an async function where nobody looks at what it returns: an event's listener, a timer's callback.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { listFiles } from '../files.ts';
import { ROOT, SOLUTIONS } from '../root.ts';
import { writeStarterTree } from '../starters.ts';
import { compilerOptions } from './compiler.ts';
import { oneUnit } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { scratch } from './scratch.ts';

export function findFaults(): Outcome {
  const starters = scratch('promises');
  rmSync(starters, { recursive: true, force: true });
  writeStarterTree(starters);
  try {
    return oneUnit([
      ...promiseFaults(sourcesIn(SOLUTIONS), (file) => `solutions/${file.slice(SOLUTIONS.length + 1)}`),
      ...promiseFaults(sourcesIn(starters), (file) => `chapters/${file.slice(starters.length + 1)}`).filter(isMistake),
    ]);
  } finally {
    rmSync(starters, { recursive: true, force: true });
  }
}

function isMistake(fault: string): boolean {
  return !Object.keys(ON_PURPOSE).some((file) => fault.startsWith(`${file}:`));
}

function sourcesIn(folder: string): string[] {
  return listFiles(folder).filter((file) => file.endsWith('.ts')).map((file) => join(folder, file));
}

/** What is wrong in these files. @param shown a file as it is named in a fault */
export function promiseFaults(files: readonly string[], shown: (file: string) => string): string[] {
  const program = ts.createProgram(files, { ...compilerOptions(), noEmit: true, baseUrl: ROOT });
  const checker = program.getTypeChecker();
  return files.flatMap((file) => {
    const source = program.getSourceFile(file);
    if (source === undefined) return [];
    return faultsIn(source, checker).map(({ node, problem }) => {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      return `${shown(file)}:${line + 1}  ${problem}`;
    });
  });
}

/** Programs of a lesson that show what comes of it, each with its reason. */
const ON_PURPOSE: Readonly<Record<string, string>> = {
  'chapters/06-websocket/steps/pour.ts': 'what it does not await is what the lesson talks about; `send` watches its promises itself (A32)',
  'chapters/08-production/steps/throws.ts': 'a callback that fails unnoticed is what the lesson shows',
};

interface Found {
  readonly node: ts.Node;
  readonly problem: string;
}

const ALONE = 'a promise that nobody awaits: end it with .catch(…), whose handler does not throw';
const HIDDEN = '`void` hides a promise: end it with .catch(…) instead, whose handler does not throw';
const UNWATCHED = 'an async function where nobody looks at its promise: call one inside that ends with .catch(…)';

function faultsIn(source: ts.SourceFile, checker: ts.TypeChecker): Found[] {
  const found: Found[] = [];
  const add = (node: ts.Node, problem: string): void => void found.push({ node, problem });
  const visit = (node: ts.Node): void => {
    if (ts.isExpressionStatement(node)) for (const lone of lonePromises(node.expression, checker)) add(lone, ALONE);
    if (ts.isVoidExpression(node) && lonePromises(node.expression, checker).length > 0) add(node, HIDDEN);
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      for (const argument of node.arguments ?? []) if (isUnwatched(argument, checker)) add(argument, UNWATCHED);
    }
    if (ts.isPropertyAssignment(node) && isUnwatched(node.initializer, checker)) add(node, UNWATCHED);
    if (ts.isBinaryExpression(node) && isAssignment(node) && isUnwatched(node.right, checker)) add(node, UNWATCHED);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The promises that an expression leaves when its value is dropped. */
function lonePromises(expression: ts.Expression, checker: ts.TypeChecker): ts.Expression[] {
  if (ts.isParenthesizedExpression(expression)) return lonePromises(expression.expression, checker);
  if (ts.isBinaryExpression(expression)) {
    if (isAssignment(expression)) return [];
    const { operatorToken: { kind }, left, right } = expression;
    if (kind === ts.SyntaxKind.CommaToken) return [...lonePromises(left, checker), ...lonePromises(right, checker)];
    return lonePromises(right, checker);
  }
  if (ts.isConditionalExpression(expression)) {
    return [...lonePromises(expression.whenTrue, checker), ...lonePromises(expression.whenFalse, checker)];
  }
  // A `void` is a fault of its own.
  if (ts.isVoidExpression(expression) || ts.isAwaitExpression(expression)) return [];
  return isPromise(checker.getTypeAtLocation(expression), checker) && !endsInCatch(expression) ? [expression] : [];
}

function endsInCatch(expression: ts.Expression): boolean {
  if (!ts.isCallExpression(expression) || !ts.isPropertyAccessExpression(expression.expression)) return false;
  return expression.expression.name.text === 'catch' && expression.arguments.length === 1;
}

/** A function whose promise goes nowhere: what it is given to expects nothing back. */
function isUnwatched(expression: ts.Expression, checker: ts.TypeChecker): boolean {
  const expected = checker.getContextualType(expression);
  if (expected === undefined) return false;
  const wanted = signaturesOf(expected, checker);
  if (wanted.length === 0 || !wanted.every((signature) => returnsNothing(signature, checker))) return false;
  const given = signaturesOf(checker.getTypeAtLocation(expression), checker);
  return given.some((signature) => isPromise(checker.getReturnTypeOfSignature(signature), checker));
}

function signaturesOf(type: ts.Type, checker: ts.TypeChecker): readonly ts.Signature[] {
  const members = type.isUnion() ? type.types : [type];
  return members.flatMap((member) => checker.getSignaturesOfType(member, ts.SignatureKind.Call));
}

function returnsNothing(signature: ts.Signature, checker: ts.TypeChecker): boolean {
  return (checker.getReturnTypeOfSignature(signature).flags & ts.TypeFlags.Void) !== 0;
}

/** A promise, or a value that may be one. */
function isPromise(type: ts.Type, checker: ts.TypeChecker): boolean {
  const members = type.isUnion() ? type.types : [type];
  return members.some((member) => {
    const then = member.getProperty('then');
    return then !== undefined && checker.getTypeOfSymbol(then).getCallSignatures().length > 0;
  });
}

function isAssignment({ operatorToken: { kind } }: ts.BinaryExpression): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}
