/** Every command that a page shows can be typed: its script, its exercise, its file and its options exist. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../command-list.ts';
import { chapterName, chapters, findExercise } from '../manifest.ts';
import { ROOT } from '../root.ts';
import type { Page } from './markdown.ts';

/** npm's own commands that pages use. */
const NPM_COMMANDS = new Set(['ci', 'install', 'start', 'test', 'run']);
/** Scripts whose first word is a chapter or an exercise. */
const TAKES_CHAPTER = new Set(['test', 'watch', 'solution', 'check', 'serve', 'hint', 'diff', 'reset', 'catch-up', 'bench']);

export function commandFaults(file: string, markdown: string, page: Page): string[] {
  return shownCommands(markdown, page).flatMap(({ command, line }) => {
    const fault = commandFault(command);
    return fault === undefined ? [] : [`${file}:${line}: \`${command}\` cannot be typed: ${fault}`];
  });
}

/** Lines `$ …` of console blocks, and `npm …` and `npx tsx …` between backticks in the text. */
function shownCommands(markdown: string, page: Page): { command: string; line: number }[] {
  const inBlocks = page.blocks
    .filter((block) => /^(?:console|sh|shell|bash)\b/.test(block.info))
    .flatMap((block) =>
      block.text.split('\n').flatMap((text, index) => {
        const shell = !block.info.startsWith('console') && !/^\s*\$ /m.test(block.text);
        const command = /^\s*\$ (.*)$/.exec(text)?.[1] ?? (shell ? text.trim() : '');
        return command === '' ? [] : [{ command, line: block.line + index + 1 }];
      }),
    );
  const blockLines = new Set(page.blocks.flatMap(({ line, endLine }) => Array.from({ length: endLine - line + 1 }, (_, index) => line + index)));
  const inText = markdown.split('\n').flatMap((text, index) => {
    if (blockLines.has(index + 1)) return [];
    return Array.from(text.matchAll(/`(np[mx] [^`]+)`/g), (match) => ({ command: match[1] as string, line: index + 1 }));
  });
  return [...inBlocks, ...inText];
}

/** What is wrong with a command line; undefined if nothing is, or if it is not a command of ours. */
export function commandFault(commandLine: string): string | undefined {
  for (const command of commandLine.replace(/\s+#\s.*$/, '').split(/\s*(?:&&|\|\||[|;&])\s*/)) {
    const words = command.trim().split(/\s+/);
    while (/^[A-Z_]+=/.test(words[0] ?? '')) words.shift();
    const fault = words[0] === 'npm' ? npmFault(words.slice(1)) : fileFault(words);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function npmFault(words: readonly string[]): string | undefined {
  const [verb = '', ...rest] = words;
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  // Placeholders, as in `npm run X`, and npm's own options need no check.
  if (!NPM_COMMANDS.has(verb)) return /^[a-z]/.test(verb) ? `the course does not use npm ${verb}` : undefined;
  if (verb === 'ci' || verb === 'install') return undefined;
  const [script = '', ...words2] = verb === 'run' ? rest : [verb, ...rest];
  if (!/^[a-z]/.test(script)) return undefined;
  if (!(script in scripts)) return `package.json has no script ${script}`;
  return script === 'attack' ? (attackFault(words2) ?? scriptFault(script, words2)) : scriptFault(script, words2);
}

/** `npm run attack slow-body -- --port 8000`: such a program is there. */
function attackFault(words: readonly string[]): string | undefined {
  const name = words.find((word) => !word.startsWith('-')) ?? '';
  const isThere = !/^[a-z]/.test(name) || existsSync(join(ROOT, 'chapters', '08-production', 'attacks', `${name}.ts`));
  return isThere ? undefined : `there is no attack ${name}`;
}

function scriptFault(script: string, words: readonly string[]): string | undefined {
  const subject = TAKES_CHAPTER.has(script) ? words.find((word) => /^(?:chapter-?)?\d/.test(word)) : undefined;
  return (subject === undefined ? undefined : subjectFault(subject)) ?? optionFault(`npm run ${script}`, words, optionSource(script, words));
}

/** Where the options of one of our commands are written down: in its usage, or in the program that it passes them to. */
function optionSource(script: string, words: readonly string[]): string | undefined {
  const { usage = '', passesOn = false } = COMMANDS[script] ?? {};
  if (!passesOn) return usage;
  const name = words.find((word) => !word.startsWith('-')) ?? '';
  if (script === 'bench') return readIfThere(`course/bench/${name}.ts`);
  if (script !== 'serve') return undefined;
  const chapter = chapters.find((candidate) => candidate.number === Number(/\d+/.exec(name)?.[0]));
  const main = chapter && readIfThere(`solutions/${chapter.folder}/main.ts`);
  const settings = chapter && readIfThere(`solutions/${chapter.folder}/settings.ts`);
  return main === undefined ? undefined : `${usage} ${main} ${settings ?? ''} ${flagsOf(settings ?? '')}`;
}

/** Where a table has only the names of its settings, their flags follow from those: `requestIntervalMs` is `--request-interval`. */
function flagsOf(settings: string): string {
  const names = settings.match(/\b[a-z]+(?:[A-Z][a-z]*)+\b/g) ?? [];
  return names.map((name) => name.replace(/Ms$/, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)).join(' ');
}

function readIfThere(file: string): string | undefined {
  return existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), 'utf8') : undefined;
}

/** An option that does not occur where a program's options are written down. */
function optionFault(program: string, words: readonly string[], source: string | undefined): string | undefined {
  if (source === undefined) return undefined;
  const options = words.flatMap((word) => /^--([a-z][\w-]*)/.exec(word)?.[1] ?? []);
  const unknown = options.find((name) => !new RegExp(`(?<![\\w-])(?:--)?${name}(?![\\w-])`).test(source));
  return unknown === undefined ? undefined : `${program} has no option --${unknown}`;
}

/** `4.2`, `chapter-04`, `04`, `04-workers`. */
function subjectFault(subject: string): string | undefined {
  if (/^\d+\.\d+$/.test(subject)) {
    const { chapter } = findExercise(subject) ?? {};
    const number = Number(subject.split('.')[0]);
    // Chapters that are still to be written are shown as they will be.
    const planned = chapters.some((candidate) => candidate.number === number && candidate.exercises.length === 0);
    return chapter || planned ? undefined : `there is no exercise ${subject}`;
  }
  const number = Number(/\d+/.exec(subject)?.[0]);
  const chapter = chapters.find((candidate) => candidate.number === number);
  if (!chapter) return `there is no chapter ${subject}`;
  const named = /^\d+-[a-z]/.test(subject) && subject !== chapter.folder;
  return named ? `chapter ${number} is ${chapter.folder} (or ${chapterName(chapter)})` : undefined;
}

/** `npx tsx FILE`, `node FILE`. */
function fileFault(words: readonly string[]): string | undefined {
  const runner = words[0] === 'npx' ? words[1] : words[0];
  if (runner !== 'tsx' && runner !== 'node') return undefined;
  const file = words.slice(words[0] === 'npx' ? 2 : 1).find((word) => !word.startsWith('-'));
  if (file === undefined || !/\.[cm]?[jt]s$/.test(file) || !/^[\w./-]+$/.test(file)) return undefined;
  if (words[0] === 'node' && file.endsWith('.ts')) return `on a machine with an older Node this fails; write \`npx tsx ${file}\``;
  const source = readIfThere(file);
  if (source === undefined) return `${file} does not exist`;
  const args = words.slice(words.indexOf(file) + 1);
  if (file !== 'course/ten.mjs') return optionFault(file, args, source);
  const [script = '', ...rest] = args;
  return script in COMMANDS ? scriptFault(script, rest) : `${file} has no command ${script}`;
}
