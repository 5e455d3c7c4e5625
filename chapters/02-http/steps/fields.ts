/** A field parser as it is written on the first day: `npx tsx chapters/02-http/steps/fields.ts`. */

// #region lenient
function lenient(head: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of head.split('\n')) {
    const [name, ...value] = line.split(':');
    fields[name!.trim().toLowerCase()] = value.join(':').trim();
  }
  return fields;
}
// #endregion lenient

const heads = {
  'a space before the colon': 'Host: a\r\nContent-Length : 5',
  'two lengths': 'Content-Length: 5\r\nContent-Length: 50',
  'two cookies': 'Set-Cookie: a=1\r\nSet-Cookie: b=2',
  'a folded line': 'X-Note: hello\r\n Content-Length: 5',
  'a bare LF in a value': 'X-Note: hello\nContent-Length: 5',
  'a name of its own': '__proto__: 5\r\nHost: a',
};
for (const [title, head] of Object.entries(heads)) {
  console.log(`${title.padEnd(25)} ${JSON.stringify(lenient(head))}`);
}
