import { describe, expect, test } from 'vitest';
import { hash, Random } from '#support/random.ts';

/** Enough seeds to meet the corners, few enough to take no time. */
const SEEDS = Array.from({ length: 50 }, (_, seed) => seed * 7919);

describe('the same seed', () => {
  test('gives the same data, whatever is asked for', () => {
    for (const seed of SEEDS) {
      const draw = (random: Random): unknown[] => [random.uint32(), random.integer(1, 6), random.words(3), random.shuffle([1, 2, 3, 4]), random.bytes(9)];
      expect(draw(new Random(seed))).toEqual(draw(new Random(seed)));
    }
  });

  test('gives the same data on every machine', () => {
    // Written down once: a seed in somebody's report must mean the same for ever.
    const random = new Random('1 1.1/sends-back-what-came');
    expect([random.uint32(), random.uint32(), random.uint32()]).toEqual([1898396111, 3992775934, 2949549718]);
    expect(hash('')).toBe(0x811c9dc5);
    expect(hash('a')).toBe(0xe40c292c);
  });

  test('is not its neighbour', () => {
    expect(new Set(SEEDS.map((seed) => new Random(seed).uint32())).size).toBe(SEEDS.length);
    expect(new Set(SEEDS.map((seed) => new Random(seed + 1).uint32())).size).toBe(SEEDS.length);
  });
});

describe('what is drawn keeps its promise', () => {
  test('integer: both ends turn up and nothing beyond', () => {
    const random = new Random(1);
    const drawn = Array.from({ length: 1000 }, () => random.integer(-2, 3));
    expect(new Set(drawn)).toEqual(new Set([-2, -1, 0, 1, 2, 3]));
    expect(random.integer(5, 5)).toBe(5);
  });

  test('bytes: the length, and every value', () => {
    const random = new Random(2);
    for (const length of [0, 1, 3, 4, 5, 1023]) expect(random.bytes(length)).toHaveLength(length);
    expect(new Set(random.bytes(10_000)).size).toBe(256);
  });

  test('shuffle: the same values, the old array untouched', () => {
    const values = [1, 2, 3, 4, 5, 6, 7, 8];
    const shuffled = new Random(3).shuffle(values);
    expect(shuffled).not.toEqual(values);
    expect(shuffled.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(values).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('pieces: together they are the whole, none is empty, none too long', () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const bytes = random.bytes(random.integer(0, 400));
      const pieces = random.pieces(bytes, 17);
      expect(Buffer.concat(pieces)).toEqual(bytes);
      expect(pieces.every((piece) => piece.length >= 1 && piece.length <= 17)).toBe(true);
    }
  });

  test('words: lower-case letters and single spaces', () => {
    expect(new Random(4).words(5)).toMatch(/^[a-z]{3,9}(?: [a-z]{3,9}){4}$/);
  });

  test('pick: from nothing there is nothing to pick', () => {
    expect(() => new Random(5).pick([])).toThrow(RangeError);
    expect(new Random(5).pick(['only'])).toBe('only');
  });
});
