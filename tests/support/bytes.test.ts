import { describe, expect, test } from 'vitest';
import { count, firstDifference, markBytes, showBytes } from '#support/bytes.ts';

describe('bytes as a person reads them', () => {
  test('text as it is, control characters by their signs, the rest as hexadecimal', () => {
    expect(showBytes(Buffer.from('GET / HTTP/1.1\r\n'))).toBe('GET / HTTP/1.1␍␊');
    expect(showBytes(Buffer.from([0, 9, 27, 127, 1, 255]))).toBe('␀␉␛␡\\x01\\xff');
    expect(showBytes(Buffer.from('é'))).toBe('\\xc3\\xa9');
  });

  test('nothing is said in a word', () => {
    expect(showBytes(Buffer.alloc(0))).toBe('nothing');
  });

  test('long ones are cut and counted, and fit', () => {
    const shown = showBytes(Buffer.alloc(10_000, 'x'), 40);
    expect(shown).toMatch(/^x+… \(10,000 bytes\)$/);
    expect(shown.indexOf('…')).toBeLessThan(40);
    expect(showBytes(Buffer.alloc(8 << 20, 'x'), 40)).toContain('(8 MiB)');
  });

  test('counts in words', () => {
    expect([count(1, 'byte'), count(2, 'byte'), count(0, 'byte'), count(1 << 20, 'byte'), count(3, 'rule')]).toEqual(['1 byte', '2 bytes', '0 bytes', '1 MiB', '3 rules']);
  });
});

describe('the first difference', () => {
  test('is where two strings part', () => {
    expect(firstDifference(Buffer.from('abc'), Buffer.from('abc'))).toBeUndefined();
    expect(firstDifference(Buffer.from('abc'), Buffer.from('abd'))).toBe(2);
    expect(firstDifference(Buffer.from('xbc'), Buffer.from('abc'))).toBe(0);
  });

  test('comes right after the shorter one where that begins the longer one', () => {
    expect(firstDifference(Buffer.from('ab'), Buffer.from('abc'))).toBe(2);
    expect(firstDifference(Buffer.from('abc'), Buffer.alloc(0))).toBe(0);
  });
});

describe('the mark', () => {
  /** The sign above the first `^`. */
  function marked(bytes: Buffer, offset: number): string {
    const { text, mark } = markBytes(bytes, offset);
    expect(text.length).toBeLessThanOrEqual(60);
    return text.slice(mark.indexOf('^'), mark.lastIndexOf('^') + 1);
  }

  test('stands under the byte, wherever that is', () => {
    const bytes = Buffer.from(Array.from({ length: 300 }, (_, index) => 97 + (index % 26)));
    for (const offset of [0, 1, 14, 15, 16, 100, 299]) {
      expect(marked(bytes, offset)).toBe(String.fromCharCode(bytes[offset] as number));
    }
  });

  test('is as wide as what the byte is shown by', () => {
    expect(marked(Buffer.from([97, 200, 98]), 1)).toBe('\\xc8');
    expect(marked(Buffer.from('a\r\n'), 1)).toBe('␍');
  });

  test('comes after the end where something is missing', () => {
    expect(markBytes(Buffer.from('ab'), 2)).toEqual({ text: 'ab', mark: '  ^' });
  });
});
