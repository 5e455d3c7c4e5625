/**
 * Media types, as Content-Type and Accept have them: RFC 9110 §8.3.1, §12.5.1.
 *
 *     application/ld+json; profile="https://a.example/b;c"; charset=utf-8
 */

/** A media type. Its parameters do not change what it is unless its own specification says so. */
export interface MediaType {
  /** In lower case: `application/json`. */
  readonly essence: string;
  /** Names in lower case. Of a name that comes twice, both values. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
const ESSENCE = new RegExp(`${TOKEN}/${TOKEN}`, 'y');
/** `OWS ";" OWS [ parameter ]`. A quoted value may contain semicolons and commas. */
const PARAMETER = new RegExp(
  `[ \\t]*;[ \\t]*(?:(${TOKEN})=(?:(${TOKEN})|"((?:[\\t !#-\\[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*)"))?`,
  'y',
);
const SEPARATOR = /[ \t]*(?:,|$)/y;

/** Parses a field that is one media type. `null` for anything else, even for two of them. */
export function parseMediaType(field: string): MediaType | null {
  const text = field.trim();
  const found = mediaTypeAt(text, 0);
  return found !== null && found.end === text.length ? found : null;
}

/**
 * How much a client wants a type, from 0 to 1: its Accept field (RFC 9110 §12.5.1). The most specific range counts.
 *
 * @param accept `undefined` if there is no such field: then every type is as good as any other
 * @param essence in lower case: `text/html`
 */
export function acceptQuality(accept: string | undefined, essence: string): number {
  if (accept === undefined || accept.trim() === '') return 1;
  const ranges = ['*/*', `${essence.split('/')[0]}/*`, essence];
  let best = { rank: -1, quality: 0 };
  for (let at = 0; at < accept.length;) {
    const found = mediaTypeAt(accept, spaceEnd(accept, at));
    const end = found?.end ?? at;
    SEPARATOR.lastIndex = end;
    const isWhole = found !== null && SEPARATOR.test(accept);
    // An element that cannot be parsed is skipped, and the others still count.
    const comma = accept.indexOf(',', isWhole ? end : at);
    at = comma === -1 ? accept.length : comma + 1;
    if (!isWhole) continue;
    const rank = ranges.indexOf(found.essence);
    if (rank > best.rank) best = { rank, quality: qualityOf(found) };
  }
  return best.quality;
}

/** `weight = OWS ";" OWS "q=" qvalue`; 1 where there is none. */
function qualityOf({ parameters }: MediaType): number {
  const value = parameters.find(([name]) => name === 'q')?.[1] ?? '1';
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(value) ? Number(value) : 0;
}

function mediaTypeAt(text: string, start: number): (MediaType & { readonly end: number }) | null {
  ESSENCE.lastIndex = start;
  const essence = ESSENCE.exec(text)?.[0];
  if (essence === undefined) return null;
  const parameters: [string, string][] = [];
  let end = ESSENCE.lastIndex;
  for (;;) {
    PARAMETER.lastIndex = end;
    const found = PARAMETER.exec(text);
    if (found === null) return { essence: essence.toLowerCase(), parameters, end };
    const [whole, name, token, quoted] = found;
    end += whole.length;
    if (name !== undefined) parameters.push([name.toLowerCase(), token ?? quoted!.replace(/\\(.)/g, '$1')]);
  }
}

function spaceEnd(text: string, start: number): number {
  let at = start;
  while (text[at] === ' ' || text[at] === '\t') at++;
  return at;
}
