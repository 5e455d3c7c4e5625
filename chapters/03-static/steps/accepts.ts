/** Whether a client takes brotli, as code often asks: `npx tsx chapters/03-static/steps/accepts.ts`. */
// #region naive
function takesBrotli(acceptEncoding: string): boolean {
  return acceptEncoding.includes('br');
}
// #endregion naive

const said: Record<string, string> = {
  'gzip, deflate, br': 'yes',
  'BR': 'yes: case does not matter',
  'gzip;q=1.0, br;q=0.5': 'yes, but rather gzip',
  'gzip, br;q=0': 'no: q=0 is "not acceptable"',
  '*': 'yes: anything',
  '*;q=0, identity': 'no',
  'x-brightness': 'no',
};
for (const [value, meant] of Object.entries(said)) {
  console.log(`${value.padEnd(22)} naive: ${takesBrotli(value) ? 'yes' : 'no '}   meant: ${meant}`);
}
