/**
 * 12 and 13: deflated messages of many sizes and kinds, whole and in fragments, with every way to agree on
 * permessage-deflate (RFC 7692). The client of these cases is in deflate-client.ts.
 */

/** What messages are cut from. */
export type TestData = 'prose' | 'bitmap' | 'noise' | 'json' | 'html';

export interface DeflateCase {
  readonly id: string;
  readonly title: string;
  readonly section: string;
  readonly data: TestData;
  readonly messageBytes: number;
  /** How many; each is sent when the echo of the one before has come. */
  readonly messages: number;
  /** Deflated messages are sent in frames of this many bytes; 0 for one frame. */
  readonly fragmentBytes: number;
  /** Sec-WebSocket-Extensions as offered. */
  readonly offer: string;
  /** What the answer must and must not contain, as parameters. */
  readonly agreed: { readonly with: readonly string[]; readonly without: readonly string[] };
}

const MESSAGES = 1000;

/** Message size and fragment size, in bytes. */
const sizes: readonly (readonly [messageBytes: number, fragmentBytes: number])[] = [
  [16, 0], [64, 0], [256, 0], [1024, 0], [4096, 0], [8192, 0], [16384, 0], [32768, 0], [65536, 0], [131072, 0],
  [8192, 256], [16384, 256], [32768, 256], [65536, 256], [131072, 256], [131072, 1024], [131072, 4096], [131072, 32768],
];

const kinds: readonly TestData[] = ['prose', 'bitmap', 'noise', 'json', 'html'];

interface Offer {
  readonly title: string;
  readonly offer: string;
  readonly with: readonly string[];
  readonly without: readonly string[];
}

const NAME = 'permessage-deflate';
const everyParameter = [
  'server_no_context_takeover', 'client_no_context_takeover', 'server_max_window_bits', 'client_max_window_bits',
];

/** What a client can ask of a server, from nothing to everything, and with alternatives. */
const offers: readonly Offer[] = [
  { title: 'nothing asked for', offer: NAME, with: [], without: ['client_max_window_bits'] },
  { title: 'no context takeover', offer: `${NAME}; server_no_context_takeover`, with: ['server_no_context_takeover'],
    without: ['client_max_window_bits'] },
  { title: 'a window of 9 bits', offer: `${NAME}; server_max_window_bits=9`, with: ['server_max_window_bits=9'],
    without: ['client_max_window_bits'] },
  { title: 'a window of 15 bits', offer: `${NAME}; server_max_window_bits=15`, with: [], without: ['client_max_window_bits'] },
  { title: 'no context takeover and a window of 8 bits', offer: `${NAME}; server_no_context_takeover; server_max_window_bits=8`,
    with: ['server_no_context_takeover', 'server_max_window_bits=8'], without: ['client_max_window_bits'] },
  { title: 'no context takeover and a window of 15 bits',
    offer: `${NAME}; server_no_context_takeover; server_max_window_bits=15; client_max_window_bits`,
    with: ['server_no_context_takeover'], without: [] },
  { title: 'alternatives, of which the first has an unknown parameter',
    offer: `${NAME}; mystery=1, ${NAME}; server_no_context_takeover; client_no_context_takeover, ${NAME}`,
    with: ['server_no_context_takeover', 'client_no_context_takeover'], without: ['mystery'] },
];

function cases(group: string, data: TestData, offer: Offer, section: string): DeflateCase[] {
  return sizes.map(([messageBytes, fragmentBytes], i) => ({
    id: `${group}.${i + 1}`,
    title: `${data}, ${messageBytes} bytes${fragmentBytes === 0 ? '' : ` in fragments of ${fragmentBytes}`}: ${offer.title}`,
    section,
    data,
    messageBytes,
    messages: MESSAGES,
    fragmentBytes,
    offer: offer.offer,
    agreed: { with: offer.with, without: offer.without },
  }));
}

export const deflateCases: readonly DeflateCase[] = [
  ...kinds.flatMap((kind, i) => cases(`12.${i + 1}`, kind, offers[0]!, 'RFC 7692 §7.2')),
  ...offers.flatMap((offer, i) => cases(`13.${i + 1}`, 'json', offer, 'RFC 7692 §7.1')),
];

/** Offers of one extension that cannot be accepted (RFC 7692 §7.1); the WebSocket opens without it. */
export const declinedOffers: readonly string[] = [
  'x-unknown',
  `${NAME}; mystery`,
  `${NAME}; server_no_context_takeover=1`,
  `${NAME}; client_no_context_takeover=true`,
  `${NAME}; server_max_window_bits`,
  `${NAME}; server_max_window_bits=7`,
  `${NAME}; server_max_window_bits=16`,
  `${NAME}; server_max_window_bits=08`,
  `${NAME}; client_max_window_bits=7`,
  `${NAME}; client_max_window_bits=16`,
  `${NAME}; client_max_window_bits=+9`,
  ...everyParameter.map((name) => `${NAME}; ${name}=10; ${name}=10`),
];

/** Values of Sec-WebSocket-Extensions that break the grammar (RFC 6455 §9.1): the handshake is refused with 400. */
export const brokenOffers: readonly string[] = [
  '',
  ',',
  ';',
  '=x',
  `${NAME};`,
  `${NAME}; =9`,
  `${NAME}; server_max_window_bits=`,
  `${NAME}; server_max_window_bits="`,
  `${NAME}; server_max_window_bits="9`,
  `${NAME}; server_max_window_bits=""`,
  `${NAME}; server_max_window_bits="9 "`,
  `${NAME}; server_max_window_bits=9 10`,
  `${NAME} x`,
  `${NAME}; a b`,
  'permessage/deflate',
  `"${NAME}"`,
];

/** Data of a kind, the same every time. */
export function testData(kind: TestData, bytes: number): Buffer {
  let state = 0x2545f491;
  const next = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  if (kind === 'noise') return Buffer.from(Array.from({ length: bytes }, () => next(256)));
  if (kind === 'bitmap') return Buffer.from(Array.from({ length: bytes }, (_, i) => ((i % 512) >> 1) + next(6)));
  const words = ['der', 'Geist', 'verneint', 'und', 'was', 'entsteht', 'ist', 'wert', 'daß', 'es', 'zugrunde', 'geht'];
  const word = (): string => words[next(words.length)]!;
  const piece = (): string => {
    if (kind === 'json') return JSON.stringify({ id: next(9999), name: word(), tags: [word(), word()], active: next(2) === 0 });
    if (kind === 'html') return `<li class="${word()}"><a href="/${word()}/${next(999)}">${word()}</a></li>\n`;
    return `${word()} ${word()}, ${word()}${next(8) === 0 ? '.\n' : ' '}`;
  };
  let text = '';
  // Never more characters than bytes.
  while (text.length < bytes) text += piece();
  // Cut to the byte, and mended if that was within a character.
  const cut = Buffer.from(text).subarray(0, bytes);
  while ((cut.at(-1) ?? 0) >= 0x80) cut[cut.lastIndexOf(cut.at(-1)!)] = 0x2e;
  return cut;
}
