/** Text in HTML. */

import { NotImplemented } from '#course/not-implemented.ts';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** A text, so that it is nothing but text: within an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  // TODO 3.3  Replace each character that has an entity by it.
  throw new NotImplemented('3.3');
}
