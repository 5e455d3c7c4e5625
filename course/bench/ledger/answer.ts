/** What every server under test must answer to `/n/ID?bytes=N`: nobody else's answer, and all of it. */
export function answerBody(id: number, bytes: number): string {
  return `${id} ${'x'.repeat(bytes)} ${id}`;
}
