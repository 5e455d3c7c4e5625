import { describe, expect, test } from 'vitest';
import { anchorOf, parsePage } from './markdown.ts';

const PAGE = `# The title

Five words are in here, <!-- and none of these --> [a link](../02-http/#one "title").

<!-- code: solutions/01-echo/listen.ts#bind -->

\`\`\`ts
# not a heading, [not a link](nowhere)
\`\`\`

## A stream has no \`messages\`

~~~text
\`\`\`
still inside
~~~

![picture](a.svg) and \`[code](not-a-link)\`

## Twice
## Twice
`;

describe('a page', () => {
  const page = parsePage(PAGE);

  test('has its headings with the anchors that links use', () => {
    expect(page.headings.map(({ level, anchor }) => [level, anchor])).toEqual([
      [1, 'the-title'],
      [2, 'a-stream-has-no-messages'],
      [2, 'twice'],
      [2, 'twice-1'],
    ]);
  });

  test('has its blocks, with the source that the comment above names', () => {
    expect(page.blocks.map(({ info, source, line, endLine }) => ({ info, source, line, endLine }))).toEqual([
      { info: 'ts', source: 'solutions/01-echo/listen.ts#bind', line: 7, endLine: 9 },
      { info: 'text', source: undefined, line: 13, endLine: 16 },
    ]);
    expect(page.blocks[1]?.text).toBe('```\nstill inside');
  });

  test('has the links of its text and none of its code', () => {
    expect(page.links.map(({ target }) => target)).toEqual(['../02-http/#one', 'a.svg']);
  });

  test('counts words outside code and comments', () => {
    expect(parsePage('One two — three.\n\n```ts\nfour five\n```\n<!-- six -->\n').words).toBe(3);
    expect(parsePage('One.\n<details>\n<summary>In words</summary>\n\nTwo three.\n\n</details>\n\nFour.\n').words).toBe(2);
  });
});

test('anchors drop what is neither letter nor digit', () => {
  expect(anchorOf('What is left, and what `isn’t` (RFC 9112 §9.3)')).toBe('what-is-left-and-what-isnt-rfc-9112-93');
});
