/**
 * The path of a route, as a program writes it: `/users/:id/files/*rest`. It knows neither applications nor requests.
 */

/** A segment of a route's path, between two slashes. */
export type RouteSegment =
  | { readonly kind: 'static'; readonly text: string }
  | { readonly kind: 'param'; readonly name: string }
  | { readonly kind: 'rest'; readonly name: string };

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Parses a route's path.
 *
 * A segment that begins with `:` is a parameter, one that begins with `*` is all the rest; a literal colon or
 * asterisk in that place is written `%3A` or `%2A`. Static segments are compared decoded: `/café` and `/caf%C3%A9` are the same.
 *
 * @throws TypeError with a sentence for a path that could never be matched as it was meant
 */
export function parseRoutePath(path: string, segmentsMax: number): RouteSegment[] {
  const wrong = (what: string): never => {
    throw new TypeError(`The route '${path}' ${what}.`);
  };
  if (!path.startsWith('/')) wrong('does not begin with a slash');
  if (/[?#]/.test(path)) wrong('has a ? or #: a route is a path, and a query is not part of it');
  const segments = path.slice(1).split('/').map((text) => parseSegment(text, wrong));
  if (segments.length > segmentsMax) wrong(`has more than the ${segmentsMax} segments that are matched`);
  const isRest = ({ kind }: RouteSegment): boolean => kind === 'rest';
  if (segments.slice(0, -1).some(isRest)) wrong('goes on after its wildcard, which takes all the rest');
  const names = namesOf(segments);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) wrong(`has '${twice}' twice`);
  return segments;
}

function parseSegment(text: string, wrong: (what: string) => never): RouteSegment {
  const name = text.slice(1);
  if (text.startsWith(':')) {
    return NAME.test(name) ? { kind: 'param', name } : wrong(`has '${text}': a parameter is a whole segment, ':' and a name`);
  }
  if (text.startsWith('*')) {
    return NAME.test(name) ? { kind: 'rest', name } : wrong(`has '${text}': a wildcard needs a name, as in '*rest'`);
  }
  return { kind: 'static', text: decodeSegment(text) ?? wrong(`has '${text}', which is not percent-encoded UTF-8`) };
}

/** The names of the parameters, in their order. */
export function namesOf(segments: readonly RouteSegment[]): string[] {
  return segments.flatMap((segment) => (segment.kind === 'static' ? [] : [segment.name]));
}

/** Decodes a segment; `null` for a broken escape and for anything that is not UTF-8 (RFC 3986 §2.1, §2.5). */
export function decodeSegment(text: string): string | null {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
