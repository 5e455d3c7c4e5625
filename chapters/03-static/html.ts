/** Text in HTML. */

import { NotImplemented } from '#course/not-implemented.ts';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Escapes a text, so that it is nothing but text in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  // TODO 3.3  Replace each character that has an entity with that entity.
  throw new NotImplemented('3.3');
}
