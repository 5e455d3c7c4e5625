import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { promiseFaults } from './promises.ts';
import { scratch } from './scratch.ts';

const BEGIN = `
import { EventEmitter } from 'node:events';
declare function work(): Promise<number>;
declare const maybe: { work(): Promise<void> } | null;
declare const thenable: PromiseLike<void>;
declare let sync: () => void;
declare const handler: (error: unknown) => void;
const emitter = new EventEmitter();
`;

const LEFT_ALONE = [
  'work();',
  'void work();',
  'work().then(() => 1);',
  'work().then(() => 1, handler);',
  'work().catch(handler).then(() => 1);',
  'maybe?.work();',
  'if (maybe) maybe.work(); else handler(1);',
  'maybe && maybe.work();',
  'maybe ? maybe.work() : handler(1);',
  'sync(), work();',
  'thenable.then(handler);',
  'for (;;) (work());',
  "emitter.on('x', async () => {});",
  'setTimeout(() => work(), 1);',
  'setImmediate(async () => void (await work()));',
  'sync = async () => {};',
  'sync = () => void work();',
  "new Promise(async (resolve) => resolve(await work())).catch(handler);",
];

const LOOKED_AFTER = [
  'await work();',
  'export const kept = work();',
  'work().catch(handler);',
  'work().then(() => 1).catch(handler);',
  'maybe?.work().catch(handler);',
  "emitter.on('x', () => void work().catch(handler));",
  'setTimeout(() => { work().catch(handler); }, 1);',
  'export const later = () => work();',
  'export const all = await Promise.all([1, 2].map(async (x) => x + await work()));',
  'sync = () => handler(1);',
  'let last = work(); last = work(); await last;',
];

/** Statements with a fault. */
const faulty = new Set<string>();

beforeAll(() => {
  const folder = scratch('promises-test');
  mkdirSync(folder, { recursive: true });
  const files = [...LEFT_ALONE, ...LOOKED_AFTER].map((statement, index) => {
    const file = join(folder, `${index}.ts`);
    writeFileSync(file, `${BEGIN}${statement}\nexport { emitter, handler, sync };\n`);
    return [file, statement] as const;
  });
  // One program for all: a program for each would read the library thirty times.
  const statements = new Map(files);
  for (const fault of promiseFaults([...statements.keys()], (file) => `${statements.get(file)}\0`)) faulty.add(fault.split('\0')[0]!);
  rmSync(folder, { recursive: true, force: true });
});

describe('a promise that is left alone', () => {
  test.each(LEFT_ALONE)('%s', (statement) => expect(faulty).toContain(statement));
});

describe('a promise that somebody looks after', () => {
  test.each(LOOKED_AFTER)('%s', (statement) => expect(faulty).not.toContain(statement));
});
