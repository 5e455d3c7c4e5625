/**
 * 6: text is UTF-8, and is found not to be as soon as it is not (RFC 6455 §8.1, RFC 3629).
 */

import { answered, continuation, failed, fragments, text, textReply } from './frames.ts';
import type { FrameCase } from './frames.ts';

const SECTION = 'RFC 6455 §8.1';
const hex = (digits: string): Buffer => Buffer.from(digits, 'hex');

/** A Greek word of five letters in eleven bytes; one of them takes three. */
const kosme = hex('cebae1bdb9cf83cebcceb5');
const mixed = Buffer.from('Hello-µ@ßöäüàá-UTF-8!!');
const edited = hex('656469746564');
const surrogateWithin = Buffer.concat([kosme, hex('eda080'), edited]);
/** U+110000: the second byte is one too high. */
const beyond = hex('f4908080');
const HEAD_BYTES = 6;

export const textCases: readonly FrameCase[] = [
  answered('6.1.1', 'an empty text', 'RFC 6455 §5.6', () => [text('')], [textReply('')]),
  answered('6.1.2', 'a text of three empty fragments', 'RFC 6455 §5.4',
    () => [text('', false), continuation('', false), continuation('')], [textReply('')]),
  answered('6.1.3', 'a text of three fragments, of which the first and the last are empty', 'RFC 6455 §5.4',
    () => [text('', false), continuation('middle frame payload', false), continuation('')],
    [textReply('middle frame payload')]),
  answered('6.2.1', 'a text of characters of one and two bytes', SECTION, () => [text(mixed)], [textReply(mixed)]),
  answered('6.2.2', 'a text in two fragments, cut between characters', SECTION,
    () => [text('Hello-µ@ßöä', false), continuation('üàá-UTF-8!!')], [textReply(mixed)]),
  answered('6.2.3', 'a text in fragments of one byte, cut within characters', SECTION,
    () => fragments(1, mixed, 1), [textReply(mixed)]),
  answered('6.2.4', 'a text with a character of three bytes, in fragments of one', SECTION,
    () => fragments(1, kosme, 1), [textReply(kosme)]),
  failed('6.3.1', 'a surrogate within a text', SECTION, [text(surrogateWithin)], 1007),
  failed('6.3.2', 'a surrogate within a text in fragments of one byte', SECTION, fragments(1, surrogateWithin, 1), 1007),
  failed('6.4.1', 'fail fast: the second of three fragments cannot be right', SECTION,
    [text(kosme, false), continuation(beyond, false), continuation(edited)], 1007, [],
    HEAD_BYTES + kosme.length + HEAD_BYTES + 2),
  failed('6.4.2', 'fail fast: a character that two fragments make wrong', SECTION,
    [text(Buffer.concat([kosme, hex('f4')]), false), continuation(hex('90'), false), continuation(hex('8080656469746564'))],
    1007, [], HEAD_BYTES + kosme.length + 1 + HEAD_BYTES + 1),
  failed('6.4.3', 'fail fast: within a frame, at the byte that cannot be right', SECTION,
    [text(Buffer.concat([kosme, beyond, edited]))], 1007, [], HEAD_BYTES + kosme.length + 2),
  failed('6.4.4', 'fail fast: within a long frame, long before its end', SECTION,
    [text(Buffer.concat([kosme, beyond, Buffer.alloc(200, 'a')]))], 1007, [], HEAD_BYTES + 2 + kosme.length + 2),
];

interface Sequences {
  readonly title: string;
  readonly right?: readonly string[];
  readonly wrong?: readonly string[];
}

const every = (from: number, to: number, step = 1): number[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);
const pair = (byte: number): string => byte.toString(16).padStart(2, '0');
/** Lead bytes, each with a space after it and nothing that would continue it. */
const lonely = (from: number, to: number): string => every(from, to).map((byte) => `${pair(byte)}20`).join('');

/** The last byte is missing. The first five are leads that are never right; the rest could have been or not. */
const unfinished = [
  'c0', 'e080', 'f08080', 'f8808080', 'fc80808080', 'df', 'efbf', 'f7bfbf', 'fbbfbfbf', 'fdbfbfbfbf',
] as const;

/** U+nFFFE and U+nFFFF of every plane are noncharacters, and may be sent all the same (RFC 3629 does not mention them). */
const nonCharacters = every(0, 16).flatMap((plane) => [0xfffe, 0xffff].map((low) =>
  Buffer.from(String.fromCodePoint(plane * 0x10000 + low)).toString('hex')));

/** The groups of Markus Kuhn's decoder stress test, as the suite numbers them from 6.5 on. */
const groups: readonly Sequences[] = [
  { title: 'right sequences of every length', right: [
    '68656c6c6f24776f726c64', '68656c6c6fc2a2776f726c64', '68656c6c6fe282ac776f726c64', '68656c6c6ff0a4ada2776f726c64',
    kosme.toString('hex'),
  ] },
  { title: 'all beginnings of a word', ...beginnings() },
  { title: 'the first sequence of each length', right: ['00', 'c280', 'e0a080', 'f0908080'] },
  { title: 'the first sequences of five and six bytes', wrong: ['f888808080', 'fc8480808080'] },
  { title: 'the last sequence of each length', right: ['7f', 'dfbf', 'efbfbf', 'f48fbfbf'] },
  { title: 'the last sequences that the form has room for', wrong: ['f7bfbfbf', 'fbbfbfbfbf', 'fdbfbfbfbfbf'] },
  { title: 'beside the gaps', right: ['ed9fbf', 'ee8080', 'efbfbd', 'f48fbfbf'], wrong: ['f4908080'] },
  { title: 'continuation bytes without a lead', wrong: [
    '80', 'bf', '80bf', '80bf80', '80bf80bf', '80bf80bf80', '80bf80bf80bf', every(0x80, 0xbf).map(pair).join(''),
  ] },
  { title: 'leads without continuation bytes', wrong: [
    lonely(0xc0, 0xdf), lonely(0xe0, 0xef), lonely(0xf0, 0xf7), lonely(0xf8, 0xfb), lonely(0xfc, 0xfd),
  ] },
  { title: 'sequences without their last byte', wrong: unfinished },
  { title: 'unfinished sequences in a row', wrong: [unfinished.join('')] },
  { title: 'bytes that are never right', wrong: ['fe', 'ff', 'fefeffff'] },
  { title: 'a slash, encoded too long', wrong: ['c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af'] },
  { title: 'the last of what is too long', wrong: ['c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'fc83bfbfbfbf'] },
  { title: 'NUL, encoded too long', wrong: ['c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080'] },
  { title: 'single surrogates', wrong: ['eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf'] },
  { title: 'surrogates in pairs', wrong: [
    'eda080edb080', 'eda080edbfbf', 'edadbfedb080', 'edadbfedbfbf', 'edae80edb080', 'edae80edbfbf', 'edafbfedb080',
    'edafbfedbfbf',
  ] },
  { title: 'code points that are noncharacters', right: nonCharacters },
  { title: 'Unicode specials', right: every(0xb9, 0xbf).map((last) => `efbf${pair(last)}`) },
];

function beginnings(): { right: string[]; wrong: string[] } {
  const ends = [2, 5, 7, 9, 11];
  const all = every(1, kosme.length).map((length) => [length, kosme.subarray(0, length).toString('hex')] as const);
  return {
    right: all.filter(([length]) => ends.includes(length)).map(([, digits]) => digits),
    wrong: all.filter(([length]) => !ends.includes(length)).map(([, digits]) => digits),
  };
}

export const sequenceCases: readonly FrameCase[] = groups.flatMap(({ title, right = [], wrong = [] }, group) => [
  ...right.map((digits, i) => answered(`6.${group + 5}.${i + 1}`, `${title}: ${digits}`, 'RFC 3629 §4',
    () => [text(hex(digits))], [textReply(hex(digits))])),
  ...wrong.map((digits, i) => failed(`6.${group + 5}.${right.length + i + 1}`, `${title}: ${digits}`, 'RFC 3629 §3',
    [text(hex(digits))], 1007)),
]);
