/**
 * The wire vectors: what is sent and which outcomes are right, as data in vectors/*.json.
 *
 * Each names the rule that it shows and its level: MUST and SHOULD of an RFC, MAY
 * where an RFC leaves the choice, policy where it does and this course decides.
 */
import { readFileSync } from 'node:fs';

/** Text with one byte for each character; a pair in a list is a text and how often it is repeated. */
export type VectorBytes = string | readonly (string | readonly [text: string, times: number])[];

export interface Vector {
  readonly id: string;
  /** The rules of the tests take their vectors by group. */
  readonly group: string;
  readonly rule: string;
  readonly section: string;
  readonly level: 'MUST' | 'SHOULD' | 'MAY' | 'policy';
  /** The statuses that a refusal may have. Together with `accepted`, either is right. */
  readonly refused?: readonly number[];
}

/** The vectors of a file, or those of some of its groups. */
export function loadVectors<V extends Vector>(name: string, ...groups: string[]): V[] {
  const file = new URL(`vectors/${name}.json`, import.meta.url);
  const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: V[] };
  const chosen = groups.length === 0 ? vectors : vectors.filter((vector) => groups.includes(vector.group));
  if (chosen.length === 0) throw new Error(`${name}.json has no vectors of ${groups.join(', ')}`);
  return chosen;
}

/** The vector's bytes as text, one character for each byte. */
export function textOf(bytes: VectorBytes): string {
  if (typeof bytes === 'string') return bytes;
  return bytes.map((part) => (typeof part === 'string' ? part : part[0].repeat(part[1]))).join('');
}

export function bytesOf(bytes: VectorBytes): Buffer {
  return Buffer.from(textOf(bytes), 'latin1');
}

/** `a field name is a token (RFC 9110 §5.6.2)`. */
export function ruleOf(vector: Vector): string {
  return `${vector.rule} (${vector.section}${vector.level === 'policy' ? ', our policy' : ''})`;
}
