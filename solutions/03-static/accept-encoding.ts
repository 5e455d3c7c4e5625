/**
 * Accept-Encoding: which content codings a client takes, and how much it likes each (RFC 9110 §12.5.3).
 */

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
  if (value === undefined) return ['identity'];
  const weights = parseWeights(value);
  const any = weights.get('*');
  const weightOf = (coding: CodingOrIdentity): number =>
    weights.get(coding) ?? (coding === 'identity' ? (any === 0 ? 0 : UNMENTIONED) : (any ?? 0));
  // Sorting is stable: codings of equal weight stay in our order.
  return [...available, 'identity' as const].filter((coding) => weightOf(coding) > 0).sort((a, b) => weightOf(b) - weightOf(a));
}

/** The weight of each coding that is mentioned, 0 to 1. A member that is not valid is left out. */
function parseWeights(value: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const member of value.split(',')) {
    const match = MEMBER.exec(member);
    if (match === null) continue;
    const coding = match[1]!.toLowerCase();
    // RFC 9110 §8.4.1.3: x-gzip is the same as gzip.
    weights.set(coding === 'x-gzip' ? 'gzip' : coding, Number(match[2] ?? 1));
  }
  return weights;
}
