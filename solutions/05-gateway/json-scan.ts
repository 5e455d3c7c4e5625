/**
 * What JSON.parse accepts and an application should not: deep nesting, names that come twice in an object, and
 * `__proto__`. Checks a text before it is parsed; text that is not JSON at all is left to JSON.parse.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Finds what makes a text unwelcome: a sentence, or `null`.
 *
 * A name twice: RFC 8259 §4 leaves open which one counts, so two programs may read the same text differently.
 */
export function findJsonFault(text: string, depthMax: number): string | null {
  /** The names of the objects that are open; `null` for an array. */
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
      case 0x5b: // [
        if (open.length === depthMax) return `nested deeper than ${depthMax}`;
        open.push(text[at] === '{' ? new Set() : null);
        break;
      case 0x7d: // }
      case 0x5d: // ]
        open.pop();
        break;
      case QUOTE: {
        const end = endOfString(text, at);
        const fault = isName(text, end) ? nameFault(text.slice(at, end), open.at(-1)) : null;
        if (fault !== null) return fault;
        at = end - 1;
      }
    }
  }
  return null;
}

/** Where a string that begins here ends, just after its closing quote; the text's end if it has none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at++;
  }
  return text.length;
}

/** Whether a string that ends here is a name: a colon follows. */
function isName(text: string, end: number): boolean {
  let at = end;
  while (' \t\r\n'.includes(text.charAt(at)) && at < text.length) at++;
  return text.charAt(at) === ':';
}

function nameFault(quoted: string, names: Set<string> | null | undefined): string | null {
  // Compared decoded: "\u0061" is "a". A string that is not valid throws here as it would in JSON.parse.
  const name = quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  if (name === '__proto__') return 'the name __proto__ is not taken';
  if (names?.has(name) === true) return `the name ${JSON.stringify(name.slice(0, 64))} comes twice`;
  names?.add(name);
  return null;
}
