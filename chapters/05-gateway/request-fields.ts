/**
 * The way back from an environ to a request: the fields of its head, and the path below which it is mounted.
 */

import type { HeaderPair } from '../02-http/index.ts';
import type { Environ } from './gateway.ts';

const NAMES_MAX = 512;
const names = new Map<string, string | null>();

/** The header fields, with names in lower case: an environ does not have the original spelling. */
export function requestFields(environ: Environ): HeaderPair[] {
  const fields: HeaderPair[] = [];
  for (const key in environ) {
    const name = fieldName(key);
    if (name === null) continue;
    const value = environ[key];
    if (typeof value === 'string') fields.push([name, value]);
  }
  return fields;
}

function fieldName(key: string): string | null {
  const known = names.get(key);
  if (known !== undefined) return known;
  const isField = key.startsWith('HTTP_') || key === 'CONTENT_TYPE' || key === 'CONTENT_LENGTH';
  const name = isField ? key.replace(/^HTTP_/, '').replaceAll('_', '-').toLowerCase() : null;
  if (names.size < NAMES_MAX) names.set(key, name);
  return name;
}

/** SCRIPT_NAME as it is written in a URL. */
export function encodeScriptName(scriptName: string): string {
  return scriptName === '' ? '' : encodeURI(scriptName).replaceAll('?', '%3F').replaceAll('#', '%23');
}

/** The whole path of the request, as it was sent, even below a mount: logs and URLs need it. */
export function requestPath(environ: Environ): string {
  return encodeScriptName(environ.SCRIPT_NAME) + environ['gateway.rawPathInfo'];
}
