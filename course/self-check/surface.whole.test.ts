/** Two trees whose exports are compared, by the compiler. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { STATE } from '../root.ts';
import { compareTrees } from './surface.ts';

const folder = join(STATE, 'tests', `surface-${process.pid}`);

function write(path: string, text: string): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the surfaces of starters and reference', () => {
  /** Each pair in a folder of its own, all with one start of the compiler. */
  function compare(pairs: readonly (readonly [name: string, starter: string, reference: string])[]): string[] {
    for (const [name, starter, reference] of pairs) {
      write(`starters/${name}/index.ts`, `${starter}\nexport {};`);
      write(`reference/${name}/index.ts`, `${reference}\nexport {};`);
    }
    return compareTrees(join(folder, 'starters'), join(folder, 'reference'), pairs.map(([name]) => ({ folder: name })));
  }

  test('are the same where only what nobody sees differs', () => {
    const reference = `
      export class A { #b = 1; private c = 2; readonly d: string = ''; constructor(x: number, y?: string) { this.#b = x; } f(): number { return this.#b; } static make(): A { return new A(1); } }
      export interface O { readonly a?: number; b: string }
      export type T = { readonly type: 'a' } | { readonly type: 'b' };
      export const LIMIT = 10;
      export async function go(o: O = { b: '' }): Promise<T> { return { type: 'a' }; }`;
    const starter = `
      export const LIMIT = 10;
      export type T = { readonly type: 'a' } | { readonly type: 'b' };
      export interface O { b: string; readonly a?: number }
      export function go(o: O = { b: '' }): Promise<T> { throw new Error(); }
      export class A { #other = ''; static make(): A { throw new Error(); } readonly d: string = ''; f(): number { throw new Error(); } constructor(x: number, y?: string) {} }`;
    expect(compare([['same', starter, reference]])).toEqual([]);
  });

  test('differ by anything that another file can see', () => {
    const cases = [
      ['a-name-that-is-missing', '', 'export const a = 1;', 'does not export a'],
      ['a-name-too-many', 'export const a = 1;', '', 'exports a, the reference does not'],
      ['a-value', 'export const a = 1;', 'export const a = 2;', 'a is'],
      ['a-parameter', 'export function f(x: string): void {}', 'export function f(x: number): void {}', 'f is'],
      ['an-option', 'export interface O { a?: number }', 'export interface O { a: number }', 'O is'],
      ['a-readonly', 'export interface O { a: number }', 'export interface O { readonly a: number }', 'O is'],
      ['a-union', "export type T = 'a';", "export type T = 'a' | 'b';", 'T is'],
      ['a-method', 'export class A { f(): void {} }', 'export class A { f(): number { return 1; } }', 'A is'],
      ['a-constructor', 'export class A { constructor(x: number) {} }', 'export class A { constructor(x: string) {} }', 'A is'],
      ['a-static', 'export class A {}', 'export class A { static x = 1; }', 'A is'],
      ['what-a-class-stands-on', 'export class A {}', 'export class A extends Error {}', 'A is'],
    ] as const;
    const faults = compare(cases.map(([name, starter, reference]) => [name, starter, reference]));
    expect(faults).toHaveLength(cases.length);
    for (const [index, [name, , , told]] of cases.entries()) {
      expect(faults[index]).toContain(name);
      expect(faults[index]).toContain(told);
    }
  });
});
