/** What waits for `receive`, counted by what it takes. */

import { expect, test } from 'vitest';

import { Inbox } from '../../../solutions/06-websocket/inbox.ts';
import { withWebSocketLimits } from '../../../solutions/06-websocket/limits.ts';

const limits = withWebSocketLimits({ queuedBytesMax: 1000 });

test.each([
  ['bytes', Buffer.alloc(250), 4],
  ['text in ASCII', 'a'.repeat(125), 4],
  ['text of characters that take two bytes', '☃'.repeat(125), 4],
])('no more than queuedBytesMax of %s', (_, message, count) => {
  const inbox = new Inbox(limits);
  for (let pushed = 0; pushed < count; pushed++) {
    expect(inbox.full).toBe(false);
    inbox.push(message);
  }
  expect(inbox.full).toBe(true);
  expect(inbox.shift()).toBe(message);
  expect(inbox.full).toBe(false);
  while (inbox.length > 0) inbox.shift();
  inbox.push(message);
  expect(inbox.full).toBe(false);
});
