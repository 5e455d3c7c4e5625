import { describe, expect, test } from 'vitest';
import { findFaults, findingsIn } from './plain-english.ts';

function found(text: string, file = 'page.md'): string[] {
  return findingsIn(file, text).map((finding) => finding.found.toLowerCase());
}

describe('what no native speaker would write', () => {
  test.each([
    ['The CRLF behind the last chunk is missing.', 'behind'],
    ['Behind it comes the body.', 'behind'],
    ['It answers whoever asks.', 'whoever'],
    ['It works. Who has nothing to say does not listen.', 'who'],
    ['It gives a turn to who waits longest.', 'to who'],
    ['A tab is no space.', 'is no'],
    ['Those are no members.', 'are no'],
    ['An empty line that is none.', 'is none'],
    ['It reads so many bytes and stops.', 'so many'],
    ['The number stands in the first byte.', 'stands in'],
    ['Chapter 02 stands on 01.', 'stands on'],
    ['Each option stands for itself.', 'stands for'],
    ['A second one is answered by `404`.', 'answered by'],
    ['It is refused by an error.', 'refused by'],
    ['A client is told when he is too slow.', 'he'],
    ['It is easy to see if one can read it.', 'one can'],
    ['There is no better way as that it waits.', 'as that it'],
    ['It looks whether the file is there.', 'looks whether'],
    ['And no byte more may be read.', 'no byte more'],
  ])('%s', (text, expected) => expect(found(text)).toEqual([expected]));
});

describe('true uses of the same words', () => {
  test.each([
    'It runs behind a proxy, behind NAT and behind the reverse proxy.',
    'The worker that was left behind falls further behind, and leaves a timer behind.',
    'That is the idea behind it.',
    'Anyone who asks is answered. Who broke it? Tell the client who spoke.',
    'There is no such file, and it is no longer needed. There was none.',
    'There are so many that nobody counts them.',
    'CGI stands for Common Gateway Interface, and the loop stands still.',
    'The request is answered by the application. The one can wait, the other one must.',
    'Theirs is the help that others behold.',
  ])('%s', (text) => expect(found(text)).toEqual([]));
});

describe('prose is looked at, and nothing else', () => {
  test('of a page: no code, no comment, no address', () => {
    expect(found('```text\nbehind\n```\n\n    `behind` <!-- behind --> [a](behind.md)\n')).toEqual([]);
    expect(found('~~~text\n```\nbehind\n~~~\nwhoever')).toEqual(['whoever']);
  });

  test('of a program: comments and texts, not identifiers', () => {
    const code = [
      'const behind = whoever(/behind/);',
      '// What is behind',
      'const a = f`so many ${behind} bytes stand ${1} in`;',
      '/**',
      ' * A tab is',
      ' * no space.',
      ' */',
      "class A { #he = 'the body behind'; }",
      'x; // to be',
      '   // hind',
    ].join('\n');
    expect(findingsIn('a.ts', code).map(({ line, found: text }) => `${line} ${text}`)).toEqual(['2 behind', '3 so many', '5 is no', '8 behind']);
    expect(found("export const a = 'whoever'; // behind", 'a.mjs')).toEqual(['behind', 'whoever']);
  });

  test('a true use that the patterns do not know is allowed on its line', () => {
    expect(found('Nagle and his algorithm <!-- plain-english: his -->\n')).toEqual([]);
    expect(found('whoever, his <!-- plain-english: his -->\n')).toEqual(['whoever']);
    expect(found('// he and his // plain-english: he, his\n', 'a.ts')).toEqual([]);
  });
});

test('a finding says where, what, and what to write instead', () => {
  expect(findingsIn('page.md', 'One.\n\nTwo behind one.')).toEqual([{ line: 3, found: 'behind', write: expect.stringContaining('after') as string }]);
  expect(findFaults(['course/self-check/plain-english.test.ts']).faults[0]).toMatch(/^course\/self-check\/plain-english\.test\.ts:\d+: "[^"]+": write /);
});
