/**
 * Field names in lower case, from a bounded cache: clients send the same few names over and over.
 */

const NAMES_MAX = 512;
const names = new Map<string, string>();

/** The name in lower case. */
export function lowerCaseFieldName(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  // Bounded, because the peer chooses the names. Once it is full, unknown names are converted each time.
  if (names.size < NAMES_MAX) names.set(name, lower);
  return lower;
}
