/**
 * A word list for the prose of the course: Markdown, comments, and the texts
 * in string literals. `npm run lint` runs it.
 *
 * Each pattern is a turn of phrase that is grammatical and that no native
 * speaker would use, with what to write instead. The patterns know the true
 * uses of their words ("behind a proxy", "there is no way"), so an exception
 * is rarely needed; where one is, the same line says so in a comment:
 *
 *     <!-- plain-english: his -->      // plain-english: his
 *
 * To switch the check on for more files, add them to PLACES. To see what it
 * would say first:
 *
 *     npx tsx course/self-check/plain-english.ts 'solutions/01-echo/*.ts' course/check.ts
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { ROOT } from '../root.ts';
import { oneUnit } from './outcome.ts';
import type { Outcome } from './outcome.ts';

/**
 * The files that are checked, as globs from the project's folder. Code joins
 * this list as it is mended, and in the end everything is on it but this file
 * and its test.
 */
const PLACES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/*.md',
  'course/*.{ts,mjs}',
  'course/commands/*.ts',
  'tests/support/*.ts',
  'course/self-check/!(plain-english*).ts',
  'course/bench/**/*.ts',
  'course/mutation/**/*.ts',
  'course/browser/*.{ts,mjs}',
  'chapters/*/steps/*.ts',
  'chapters/0[123456]-*/**/*.{ts,js}',
  'solutions/0[123456]-*/**/*.{ts,js}',
  'tests/chapter-0[123456]/**/*.{md,ts}',
  'chapters/*/*.md',
  'solutions/*/*.md',
];

interface Pattern {
  readonly find: RegExp;
  readonly write: string;
}

/** What may follow "behind" when something really is behind it. */
const IN_FRONT = '(?:(?:an?|the|your|our|its|their|some|another|one|each|any|that|this|such an?) )?(?:[a-z]+ )?(?:prox(?:y|ies)|nginx|NAT|Caddy|HAProxy|Apache|firewalls?|load balancers?|gateways?|CDNs?|front|interfaces?|scenes|curtain|wheel|door|name|idea)\\b';

/** Each one matches only the wrong use; the tests show what it lets through. A space also matches the end of a line. */
const PATTERNS: readonly Pattern[] = [
  {
    find: new RegExp(`(?<!\\b(?:left|leave|leaves|leaving)(?: [\\w-]+){0,4} )(?<!\\b(?:fall|falls|falling|fell|further|lags?|lagging|stay|stays|stayed|hides?|hidden|far|idea|ideas|reason|reasons|reasoning|thinking|rule|story|stuck|principle) )\\bbehind(?! ${IN_FRONT})`, 'gi'),
    write: '"after" (time, order), "at the end of", "below"; behind is for what something really hides, like a proxy',
  },
  { find: /\bwho(?:so|m)?ever\b/gi, write: '"anyone who", "a client that", "the process that"' },
  { find: /(?<=(?:^|[.;!?\u0000]["'*)]*)\s+)who\b(?=[^.?!;]*[.!;]?\s*(?:$|[A-Z(]|\u0000))(?![^.!;]*\?)/gi, write: '"anyone who" or "a client that": a clause does not begin with a bare "who"' },
  { find: /\b(?:to|by|with|from|than) who\b/gi, write: '"to anyone who", "from the client that"' },
  {
    find: /(?<!\bthere )\b(?:is|are|was|were) no (?!(?:longer|more|less|fewer|different|better|worse|bigger|larger|smaller|faster|slower|good|doubt|use|matter|problem|trouble|accident|surprise|one|help|secret|way|exception|match)\b)/gi,
    write: '"is not a", "are not"',
  },
  { find: /(?<!\bthere )\b(?:is|are|was|were) none\b(?! of (?:our|your|their|its) business)/gi, write: '"is not one", "has none", "there is none"' },
  { find: /\bso (?:many|few) (?!that\b)(?!(?:[\w-]+ ){1,6}that\b)(?!words\b)/gi, write: '"that many", "this many"' },
  { find: /\b(?:stands?|stood|standing) (?:in(?! for\b| the way\b| line\b)|on(?! its own\b)|at|behind|before|after|above|below|there|here|between|beside|next|first|last|right|directly)\b/gi, write: '"is", "is written", "comes", "builds on": text and data do not stand' },
  { find: /\bstands? for (?=the (?:same|whole|rest|first|last)\b|itself\b|themselves\b)/gi, write: '"is", "means"' },
  { find: /\b(?:answer|answers|answered|answering|refuse|refuses|refused|repl(?:y|ies|ied)) by (?=(?:an? |the )?[`"']?(?:\d|[45]xx|errors?\b|RST\b|FIN\b|reset\b|Close\b|clos(?:e|ing)\b|pong\b|silence\b))/gi, write: '"answered with"' },
  { find: /\b(?:he|him|himself)\b|\bhis\b/gi, write: '"they", or the noun again' },
  { find: /(?:(?<=[.:;!?(—] )|(?<=\b(?:that|what|where|when|if|as|how|before|because|which|so|why|until|unless) ))one (?:can|cannot|could|must|might|should|would|needs|sees|wants|knows|finds|has to|does not|asks)\b/gi, write: '"you can", "we see"' },
  { find: /\bas that (?:it|they|he|she|we|you)\b|\bit is (?:they|he|she|we|I) (?:that|who)\b/gi, write: 'the plain order: subject, verb, object' },
  { find: /\blook(?:s|ed|ing)? whether\b/gi, write: '"checks whether"' },
  { find: /\bonly then when\b|\bwhat for an? \w+|\bso long as that\b/gi, write: '"only when", "what kind of"' },
  { find: /(?<!\b(?:say|says|said|know|knows|ask|asks|want|wants|hear|hears|be) )\bno (?!one\b|longer\b|thank\b)[a-z]+ more\b(?= (?:than|is|are|may|must|comes|goes)\b)/gi, write: '"not one byte more", "at most"' },
].map(({ find, write }) => ({ find: new RegExp(find.source.replaceAll(' ', '\\s+'), find.flags), write }));

export interface Finding {
  /** Counted from 1. */
  readonly line: number;
  readonly found: string;
  readonly write: string;
}

export function findFaults(places: readonly string[] = PLACES): Outcome {
  return oneUnit(
    placeFiles(places).flatMap((file) => {
      const text = readFileSync(join(ROOT, file), 'utf8').replaceAll('\r\n', '\n');
      return findingsIn(file, text).map(({ line, found, write }) => `${file}:${line}: "${found}": write ${write}`);
    }),
  );
}

function placeFiles(places: readonly string[]): string[] {
  return [...new Set(places.flatMap((place) => globSync(place, { cwd: ROOT, exclude: ['**/node_modules'] })))].map((file) => file.replaceAll('\\', '/')).sort();
}

/** What the word list says about one file; the name's ending tells what its prose is. */
export function findingsIn(file: string, text: string): Finding[] {
  const prose = file.endsWith('.md') ? proseOfMarkdown(text) : proseOfCode(file, text);
  const lines = text.split('\n');
  return PATTERNS.flatMap(({ find, write }) =>
    Array.from(prose.matchAll(find), (match) => {
      const line = prose.slice(0, match.index).split('\n').length;
      return { line, found: match[0].trim().replaceAll(/\s+/g, ' '), write };
    }),
  )
    .filter(({ line, found }) => !isAllowed(lines[line - 1] ?? '', found))
    .sort((a, b) => a.line - b.line);
}

function isAllowed(line: string, found: string): boolean {
  const allowed = /plain-english:\s*([\w ,-]+?)\s*(?:-->|\*\/|$)/.exec(line)?.[1];
  return allowed?.split(/\s*,\s*/).some((words) => found.toLowerCase().includes(words.toLowerCase())) ?? false;
}

/** The same length and lines, with everything blank that is not prose: fences, comments, addresses. */
export function proseOfMarkdown(markdown: string): string {
  let fence = '';
  return markdown
    .split('\n')
    .map((line) => {
      const mark = /^ *(`{3,}|~{3,})/.exec(line)?.[1];
      const inside = fence !== '';
      if (!inside && mark !== undefined) fence = mark;
      else if (inside && mark !== undefined && mark.startsWith(fence)) fence = '';
      if (inside || mark !== undefined) return '\u0000'.repeat(line.length);
      return line
        .replaceAll(/<!--.*?-->/g, blank)
        .replaceAll(/\]\([^)]*\)/g, (link) => `]${blank(link.slice(1))}`)
        .replaceAll(/`[^`]*`/g, (code) => code.replaceAll(/[\p{L}\s.:?!]/gu, '_'));
    })
    .join('\n');
}

function blank(text: string): string {
  return '\u0000'.repeat(text.length);
}

/** The same length and lines, with everything blank but comments and the texts of literals. */
export function proseOfCode(file: string, code: string): string {
  const source = ts.createSourceFile(file, code, ts.ScriptTarget.Latest, true, file.endsWith('.mjs') || file.endsWith('.js') ? ts.ScriptKind.JS : ts.ScriptKind.TS);
  const prose = Array.from(code, (character) => (character === '\n' ? '\n' : '\u0000'.repeat(character.length)));
  // Code units, since the compiler counts in them.
  const units = prose.join('').split('');
  const keep = (start: number, text: string): void => {
    for (let index = 0; index < text.length; index++) units[start + index] = text[index] as string;
  };
  const visit = (node: ts.Node): void => {
    if (node.kind >= ts.SyntaxKind.FirstJSDocNode && node.kind <= ts.SyntaxKind.LastJSDocNode) return;
    const children = node.getChildren(source);
    if (children.length > 0) {
      children.forEach(visit);
      return;
    }
    const start = node.getStart(source, false);
    const trivia = code.slice(node.getFullStart(), start);
    if (/\/[/*]/.test(trivia)) keep(node.getFullStart(), withoutLeaders(trivia));
    if (ts.isStringLiteral(node) || ts.isTemplateLiteralToken(node)) keep(start, ` ${code.slice(start + 1, node.end - 1)} `);
  };
  visit(source);
  return units.join('');
}

/** A comment that goes on in the next line is one text. */
function withoutLeaders(comment: string): string {
  return comment
    .replaceAll(/^[ \t]*(?:\/\/+|\/\*+|\*(?!\/)|\*\/)/gm, (leader) => ' '.repeat(leader.length))
    .replaceAll(/\/\/|\/\*+|\*\//g, (mark) => ' '.repeat(mark.length));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const places = process.argv.slice(2);
  const { faults } = findFaults(places.length > 0 ? places : PLACES);
  for (const fault of faults) console.log(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
