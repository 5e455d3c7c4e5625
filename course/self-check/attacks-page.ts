/**
 * docs/attacks.md and the table of attacks in the lesson of chapter 08: they come out of the rules of the hidden tests, each
 * of which has its attack as data, and of the programs in chapters/08-production/attacks. `npm test` compares them;
 * `npx tsx course/self-check/lessons.ts --write` renews them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import type { Attack } from '#support/exercise.ts';
import { listFiles } from '../files.ts';
import { ROOT } from '../root.ts';

export const ATTACKS_PAGE = 'docs/attacks.md';
const PROGRAMS = 'chapters/08-production/attacks';

/** A rule of a hidden test that is about an attack. */
export interface AttackedRule extends Attack {
  /** `8.2/slow-head`. */
  readonly id: string;
  /** What a server does that obeys it. */
  readonly sentence: string;
}

export interface Program {
  readonly name: string;
  readonly does: string;
  readonly rules: readonly string[];
}

export interface Museum {
  readonly attacked: readonly AttackedRule[];
  readonly programs: readonly Program[];
  /** The ids of all rules of the hidden tests. */
  readonly rules: ReadonlySet<string>;
}

/** Reads the hidden tests and the programs, without running them: once, since it takes a moment. */
export function readMuseum(): Museum {
  return (museum ??= readAll());
}
let museum: Museum | undefined;

function readAll(): Museum {
  const attacked: AttackedRule[] = [];
  const rules = new Set<string>();
  for (const file of listFiles(join(ROOT, 'tests')).filter((path) => /^chapter-\d+\/\d+\.\d+-[\w-]+\.test\.ts$/.test(path))) {
    const exercise = /\/(\d+\.\d+)-/.exec(file)?.[1] ?? '';
    for (const { name, sentence, text } of rulesOf(readFileSync(join(ROOT, 'tests', file), 'utf8'))) {
      const id = `${exercise}/${name}`;
      rules.add(id);
      if (text['attack'] !== undefined) attacked.push({ ...(text['attack'] as Attack), id, sentence });
    }
  }
  return { attacked, rules, programs: listFiles(join(ROOT, PROGRAMS)).filter((path) => /^[\w-]+\.ts$/.test(path)).map(readProgram) };
}

function readProgram(file: string): Program {
  const name = file.slice(0, -'.ts'.length);
  const source = sourceOf(readFileSync(join(ROOT, PROGRAMS, file), 'utf8'));
  const exported = source.statements.find(ts.isExportAssignment)?.expression;
  const { does, rules } = literal(exported && ts.isSatisfiesExpression(exported) ? exported.expression : exported) as { does?: string; rules?: readonly string[] };
  if (typeof does !== 'string' || rules === undefined) throw new Error(`${PROGRAMS}/${file} does not export { does, rules, … }, written out`);
  return { name, does, rules };
}

/** Each `rule('name', 'sentence', { … }, …)`. */
export function rulesOf(text: string): { name: string; sentence: string; text: Readonly<Record<string, unknown>> }[] {
  const found: ReturnType<typeof rulesOf> = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.getText() === 'rule') {
      const [name, sentence, more] = node.arguments.map(literal);
      if (typeof name === 'string') found.push({ name, sentence: String(sentence), text: more as Record<string, unknown> });
    }
    ts.forEachChild(node, visit);
  };
  visit(sourceOf(text));
  return found;
}

function sourceOf(text: string): ts.SourceFile {
  return ts.createSourceFile('page.ts', text, ts.ScriptTarget.Latest, true);
}

/** The value of what is written out; undefined for what has to be run. */
function literal(node: ts.Node | undefined): unknown {
  if (node === undefined) return undefined;
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (ts.isArrayLiteralExpression(node)) return node.elements.map(literal);
  if (!ts.isObjectLiteralExpression(node)) return undefined;
  return Object.fromEntries(node.properties.filter(ts.isPropertyAssignment).map(({ name, initializer }) => [name.getText(), literal(initializer)]));
}

const TABLES = /(?<=<!-- attacks(?: (?<which>[\w-]+))?: [^\n]*-->\n)[^]*?(?=<!-- end of attacks -->)/g;

/** The page with its tables as they should be. Only a page that has a place for them is changed. */
export function rewriteAttacks(page: string, museum: () => Museum = readMuseum): string {
  return page.replace(TABLES, (...match) => {
    const { which } = match.at(-1) as { which?: string };
    return `\n${which === 'programs' ? programsTable(museum()) : which === 'lesson' ? lessonTable(museum()) : attacksTable(museum())}\n\n`;
  });
}

/** What is wrong with a page, and with what its tables come out of. */
export function attackFaults(file: string, page: string, museum: () => Museum = readMuseum): string[] {
  if (!page.includes('<!-- attacks')) return file === ATTACKS_PAGE ? [`${file} has no place for the attacks: <!-- attacks: … -->, and <!-- end of attacks -->`] : [];
  const faults = file === ATTACKS_PAGE ? programFaults(museum()) : [];
  if (rewriteAttacks(page, museum) !== page) faults.push(`${file} differs from the rules of the hidden tests and from ${PROGRAMS}; renew it: npx tsx course/self-check/lessons.ts --write`);
  return faults;
}

function programFaults({ programs, rules }: Museum): string[] {
  return programs.flatMap((program) => [
    ...(program.rules.length > 0 ? [] : [`${PROGRAMS}/${program.name}.ts names no rule that asks for what it tries`]),
    ...program.rules.filter((id) => !rules.has(id)).map((id) => `${PROGRAMS}/${program.name}.ts names a rule that is not there: ${id}`),
  ]);
}

function attacksTable({ attacked, programs }: Museum): string {
  return table(['Attack', 'Year', 'CVE', 'Victim', 'What the server does', 'Rule', 'Program'], attacked.map(({ id, name, year, cve = '', fell, sentence }) =>
    [name, String(year), cve, fell, sentence, code(id), programsFor(id, programs)]));
}

function lessonTable({ attacked, programs }: Museum): string {
  return table(['Attack', 'Year', 'Victim', 'Rule', 'Program'], attacked.map(({ id, name, year, fell }) => [name, String(year), fell, code(id), programsFor(id, programs)]));
}

function programsTable({ programs }: Museum): string {
  return table(['Program', 'What it does', 'Rules'], programs.map(({ name, does, rules }) => [code(name), does, rules.map(code).join(', ')]));
}

function programsFor(id: string, programs: readonly Program[]): string {
  return programs.filter(({ rules }) => rules.includes(id)).map(({ name }) => code(name)).join(', ');
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cellOf).join(' | ')} |`).join('\n').replaceAll('|  |', '| |');
}

/** Names such as __proto__ are code, and not bold. */
function cellOf(text: string): string {
  return text.replaceAll('|', '\\|').replace(/(?<![`\w])__\w+__(?![`\w])/g, code);
}

function code(text: string): string {
  return `\`${text}\``;
}
