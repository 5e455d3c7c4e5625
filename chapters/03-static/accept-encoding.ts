/**
 * Accept-Encoding: which content codings a client takes, and how much it likes each (RFC 9110 §12.5.3).
 */

import { NotImplemented } from '#course/not-implemented.ts';

/** The content codings that a sibling may be in, and its extension. */
export const extensions = { br: '.br', zstd: '.zst', gzip: '.gz' } as const;

export type Coding = keyof typeof extensions;

/** `identity` is the file as it is. */
export type CodingOrIdentity = Coding | 'identity';

const MEMBER = /^[ \t]*([!#$%&'*+.^_`|~\w-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?[ \t]*$/i;

/** The weight of what a client did not mention: the least of all, but not a refusal. */
const UNMENTIONED = 0.0001;

/**
 * The codings that may be sent, the best first; `[]` if there is none, not even identity. If the client likes two
 * equally, our order decides, and identity comes last.
 *
 * @param value of Accept-Encoding. Without the field anything goes, and identity is safest; if it is empty, only
 *   identity
 * @param available in the order of our preference
 */
export function preferredCodings(value: string | undefined, available: readonly Coding[]): readonly CodingOrIdentity[] {
  // TODO 3.6  Those of `available`, and identity, whose weight is not 0, the heaviest first. A coding that was not
  //           mentioned has the weight of `*`, or 0. Identity is acceptable even if it was not mentioned, but comes
  //           last, whatever the weight of `*`; only `*;q=0` refuses it.
  throw new NotImplemented('3.6');
}

/** The weight of each coding that is mentioned, 0 to 1. A member that is not valid is left out. */
function parseWeights(value: string): ReadonlyMap<string, number> {
  // TODO 3.6  The members are what is between the commas, and MEMBER matches one. Without `q` the weight is 1. Names
  //           come in upper or lower case, and x-gzip is gzip.
  throw new NotImplemented('3.6');
}
