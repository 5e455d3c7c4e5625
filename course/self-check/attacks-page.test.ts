import { expect, test } from 'vitest';
import { attackFaults, ATTACKS_PAGE, readMuseum, rewriteAttacks, rulesOf } from './attacks-page.ts';
import type { Museum } from './attacks-page.ts';

const museum: Museum = {
  attacked: [{ id: '8.2/slow-head', sentence: 'answers 408', name: 'slow|loris', year: 2009, cve: 'CVE-2007-6750', fell: 'Apache httpd' }],
  programs: [{ name: 'slow-headers', does: 'begins heads', rules: ['8.2/slow-head'] }],
  rules: new Set(['8.2/slow-head']),
};
const PLACE = '<!-- attacks: generated -->\n<!-- end of attacks -->\n\n<!-- attacks programs: generated -->\n<!-- end of attacks -->\n';

test('rules are read with what is written out in them', () => {
  const text = "rule('a', 'does it', { rule: 'x', likely: `y`, attack: { name: 'n', year: 2009, fell: 'f' }, skip: here() }, async () => undefined);\nother('b');";
  expect(rulesOf(text)).toEqual([{ name: 'a', sentence: 'does it', text: { rule: 'x', likely: 'y', attack: { name: 'n', year: 2009, fell: 'f' }, skip: undefined } }]);
});

test('a page gets its tables, and keeps the rest', () => {
  const page = rewriteAttacks(`before\n${PLACE}after\n`, () => museum);
  expect(page).toContain('| slow\\|loris | 2009 | CVE-2007-6750 | Apache httpd | answers 408 | `8.2/slow-head` | `slow-headers` |');
  expect(page).toContain('| `slow-headers` | begins heads | `8.2/slow-head` |');
  expect(page).toMatch(/^before\n[^]*\nafter\n$/);
  expect(rewriteAttacks(page, () => museum)).toBe(page);
  expect(attackFaults(ATTACKS_PAGE, page, () => museum)).toEqual([]);
});

test('a page is told that it is old, or has no place', () => {
  expect(attackFaults(ATTACKS_PAGE, PLACE, () => museum)).toEqual([expect.stringContaining('renew it')]);
  expect(attackFaults(ATTACKS_PAGE, 'nothing', () => museum)).toEqual([expect.stringContaining('has no place for the attacks')]);
  expect(attackFaults('docs/glossary.md', 'nothing', () => museum)).toEqual([]);
});

test('a program is told that its rule is not there, or that it has none', () => {
  const programs = [{ name: 'one', does: 'x', rules: ['8.2/slow-hed'] }, { name: 'two', does: 'y', rules: [] }];
  const wrong = { ...museum, programs };
  const faults = attackFaults(ATTACKS_PAGE, rewriteAttacks(PLACE, () => wrong), () => wrong);
  expect(faults).toEqual([expect.stringMatching(/one\.ts names a rule that is not there: 8\.2\/slow-hed/), expect.stringMatching(/two\.ts names no rule/)]);
});

test('the real ones can be read', () => {
  const { attacked, programs, rules } = readMuseum();
  expect(attacked.length).toBeGreaterThan(15);
  expect(programs.length).toBeGreaterThan(8);
  expect(rules.has('8.2/slow-head')).toBe(true);
});
