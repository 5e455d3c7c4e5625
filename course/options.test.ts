import { describe, expect, test } from 'vitest';
import { npmUsage, parseCommand, seedOf } from './options.ts';

const syntax = {
  command: 'check',
  options: { seed: { type: 'string' }, all: { type: 'boolean' }, json: { type: 'string' } },
  namesMax: 1,
} as const;
const parse = (args: string, environment: NodeJS.ProcessEnv = {}, more: object = {}) =>
  parseCommand(args === '' ? [] : args.split(' '), { ...syntax, ...more }, environment);
const byNpm = (flags: Record<string, string>) => ({ npm_lifecycle_event: 'check', ...flags });

describe('flags', () => {
  test('may come before or after the name', () => {
    expect(parse('4 --seed 5 --all')).toMatchObject({ positionals: ['4'], values: { seed: '5', all: true } });
    expect(parse('--seed=5 4')).toMatchObject({ positionals: ['4'], values: { seed: '5' } });
  });

  test.each([
    ['4 --sed 5', /^npm run check has no option --sed\. Did you mean --seed\?\nUse: npm run check chapter-04 \| 4\.2 -- \[--subject DIR\][^\n]*$/],
    ['4 --verbose', /^npm run check has no option --verbose\.\nUse:/],
    ['4 -x', /^npm run check has no option -x\./],
    ['4 --seed', /^--seed needs a value\./],
    ['4 --seed --all', /^--seed needs a value\./],
    ['4 --all=yes', /^--all takes no value\./],
    ['4 5', /^npm run check takes one name: "5" is one too many\./],
  ])('refuses: %s', (args, message) => {
    expect(() => parse(args)).toThrow(message);
  });
});

describe('flags that npm kept', () => {
  test('are honoured where they are certain', () => {
    expect(parse('4', byNpm({ npm_config_seed: '5', npm_config_all: 'true' })).values).toEqual({ seed: '5', all: true });
  });

  test('are shown the right way where they are not', () => {
    expect(() => parse('4 5', byNpm({ npm_config_seed: 'true' }))).toThrow('npm kept --seed for itself; write a -- before it: npm run check 4 -- --seed 5');
    expect(() => parse('4', byNpm({ npm_config_json: 'true' }))).toThrow('npm run check 4 -- --json VALUE');
  });

  test('are never taken by a command that changes files', () => {
    expect(() => parse('4', byNpm({ npm_config_all: 'true' }), { careful: true })).toThrow('npm run check 4 -- --all');
  });

  test('count neither beside the real flag, nor empty, nor for another script', () => {
    expect(parse('4 --seed 6', byNpm({ npm_config_seed: '5' })).values.seed).toBe('6');
    expect(parse('4', byNpm({ npm_config_seed: '' })).values.seed).toBeUndefined();
    expect(parse('4', { npm_lifecycle_event: 'test', npm_config_seed: '5' }).values.seed).toBeUndefined();
  });
});

test('npm wants a -- before the first flag', () => {
  expect(npmUsage('hint')).toBe('npm run hint 4.2 -- [--level N]');
  expect(npmUsage('bench')).toBe('npm run bench NAME ...');
  expect(npmUsage('start')).toBe('npm start');
});

describe('a seed', () => {
  test.each([['0', 0], ['81723', 81723], ['4294967295', 4294967295]])('%s', (text, seed) => expect(seedOf(text)).toBe(seed));
  test.each(['', '-1', '1.5', 'x', '1e3', '4294967296', '99999999999'])('is not %j', (text) => {
    expect(() => seedOf(text)).toThrow(/a seed is a whole number from 0 to 4294967295/);
  });
});
