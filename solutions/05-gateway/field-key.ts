/**
 * Turns the name of a header field into its key in an environ: `User-Agent` to `HTTP_USER_AGENT`.
 */

const KEYS_MAX = 512;
const keys = new Map<string, string | null>();

/**
 * The key, or `null` for a field that has none. A name with an underscore has none: `X_User` and `X-User` would be
 * one key, and a proxy that filters one of them lets the other pass.
 */
export function fieldKey(name: string): string | null {
  const known = keys.get(name);
  if (known !== undefined) return known;
  const key = name.includes('_') ? null : keyOf(name.toUpperCase().replaceAll('-', '_'));
  // Bounded, because clients choose the names; once it is full, unknown names are computed each time.
  if (keys.size < KEYS_MAX) keys.set(name, key);
  return key;
}

/** RFC 3875 §4.1: these two are facts about the request's body, and have names of their own. */
function keyOf(name: string): string {
  return name === 'CONTENT_TYPE' || name === 'CONTENT_LENGTH' ? name : `HTTP_${name}`;
}
