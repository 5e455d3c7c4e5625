/** Names of the chat: what cannot be seen is not let in, and what people write with invisible signs is. */

import { describe, expect, test } from 'vitest';

import { defaultChatLimits, parseName, sameName } from '../../../solutions/06-websocket/chat-input.ts';

const name = (text: string): string | null => parseName(text, defaultChatLimits);

describe('a name', () => {
  test.each([
    ['letters', 'Ann'], ['two words', 'Grace H.'], ['marks', 'Jo\u0308rg'], ['Chinese', '\u674e'],
    ['Persian with a non-joiner', '\u0639\u0644\u06cc\u200c\u0631\u0636\u0627'],
    ['Sinhala with a joiner', '\u0d9a\u0dca\u200d\u0dc2'], ['Hindi with a joiner', '\u0915\u094d\u200d\u0937'],
    ['a family', '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}'], ['a heart with its selector', 'Ann \u2764\ufe0f'],
    ['a flag of tags', '\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}'], ['a keycap', '1\ufe0f\u20e3'],
  ])('may be %s', (_, text) => expect(name(text)).not.toBeNull());

  test.each([
    ['Hangul filler', '\u3164'], ['halfwidth Hangul filler', '\uffa0'], ['choseong filler', '\u115f'], ['jungseong filler', '\u1160'],
    ['empty Braille pattern', '\u2800'], ['grapheme joiner', '\u034f'], ['selector', '\ufe0f'], ['Khmer inherent vowel', '\u17b4'],
    ['grapheme joiner within', 'ali\u034fce'], ['non-joiner between Latin letters', 'ali\u200cce'], ['joiner at the end', 'ali\u200d'],
    ['non-joiner at the end', '\u0639\u0644\u06cc\u200c'], ['two non-joiners', '\u06cc\u200c\u200c\u0631'], ['zero width space', '\u200b'],
    ['override', '\u202eabc'], ['soft hyphen', 'a\u00adb'], ['a mark alone', '\u0301'], ['person with a joiner and nobody', '\u{1f468}\u200d'],
    ['letter with a selector', 'a\ufe0f'], ['tag alone', '\u{e0067}'], ['note without a head', '\u{1d159}'], ['NUL', 'a\0b'], ['half a pair', '\ud800'],
  ])('is not: %s', (_, text) => expect(name(text)).toBeNull());

  test('is taken by one that only differs in what is not seen', () => {
    expect(sameName('\u0639\u0644\u06cc\u200c\u0631\u0636\u0627')).toBe(sameName('\u0639\u0644\u06cc\u0631\u0636\u0627'));
    expect(sameName('ANN')).toBe(sameName('ann'));
    expect(sameName('ann')).not.toBe(sameName('anna'));
  });
});
