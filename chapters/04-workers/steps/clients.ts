/**
 * Several clients at once, and when each has its answer: `npx tsx chapters/04-workers/steps/clients.ts PORT PATH PATH …`.
 *
 * A number among the paths is a pause in milliseconds before the next client comes.
 */
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

const MS_PER_CHARACTER = 50;
const [port, ...words] = process.argv.slice(2);

/** Asks on a connection of its own. */
async function ask(path: string): Promise<string> {
  try {
    const [response] = (await once(request({ host: '127.0.0.1', port, path, agent: false }).end(), 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return response.statusCode === 200 ? '' : `  ${response.statusCode} ${response.statusMessage}`;
  } catch (error) {
    return `  ${(error as Error).message}`;
  }
}

const startMs = performance.now();
const now = (): number => performance.now() - startMs;
const column = Math.max(...words.map((word) => word.length)) + 2;
const rows: Promise<string>[] = [];
for (const word of words) {
  if (/^\d+$/.test(word)) {
    await wait(Number(word));
    continue;
  }
  const from = now();
  rows.push(
    ask(word).then((remark) => {
      const before = Math.round(from / MS_PER_CHARACTER);
      const bar = Math.max(1, Math.round(now() / MS_PER_CHARACTER) - before);
      return `${word.padEnd(column)}${' '.repeat(before)}${'━'.repeat(bar)} ${Math.round(now() - from)} ms${remark}`;
    }),
  );
}
for (const row of rows) console.log(await row);
