/**
 * Accept-Encoding: which content codings a client takes, and how gladly (RFC 9110 §12.5.3).
 */

import { NotImplemented } from '#course/not-implemented.ts';

/** The content codings that a sibling may be in, and its extension. */
export const extensions = { br: '.br', zstd: '.zst', gzip: '.gz' } as const;

export type Coding = keyof typeof extensions;

/** `identity` is the file as it is. */
export type CodingOrIdentity = Coding | 'identity';

const MEMBER = /^[ \t]*([!#$%&'*+.^_`|~\w-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?[ \t]*$/i;

/** Least of all, but not refused: what a client did not mention. */
const UNMENTIONED = 0.0001;

/**
 * The codings that may be sent, the best first; `[]` if there is none, not even identity. Where the client likes two
 * the same, our order decides, and identity comes last.
 *
 * @param value of Accept-Encoding. Without the field anything goes, and identity is safest; empty, identity alone
 * @param available in the order of our preference
 */
export function preferredCodings(value: string | undefined, available: readonly Coding[]): readonly CodingOrIdentity[] {
  // TODO 3.6  Those of `available`, and identity, whose weight is not 0, by their weight. A coding that was not
  //           mentioned has the weight of `*`, or 0. Identity that was not mentioned is acceptable, but last, whatever
  //           `*` weighs; only `*;q=0` refuses it.
  throw new NotImplemented('3.6');
}

/** The weight of each coding that is mentioned, 0 to 1. A member that is not valid is left out. */
function parseWeights(value: string): ReadonlyMap<string, number> {
  // TODO 3.6  One member between two commas, by MEMBER; without `q` it is 1. The names come in any case, and x-gzip is
  //           gzip.
  throw new NotImplemented('3.6');
}
