/**
 * Field names in lower case, out of a bounded cache: clients send the same few names for ever.
 */

const NAMES_MAX = 512;
const names = new Map<string, string>();

/** The name in lower case. */
export function lowerCaseFieldName(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  // Bounded, because the peer chooses the names; once full, the unknown ones pay their way.
  if (names.size < NAMES_MAX) names.set(name, lower);
  return lower;
}
