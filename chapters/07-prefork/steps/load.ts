/**
 * Clients that never stop asking while a server is told to reload: `npx tsx chapters/07-prefork/steps/load.ts PORT PID`.
 *
 * Eight connections, kept alive. When 200 answers have come, PID gets SIGHUP; it ends when 200 more have come from workers
 * that were not there before. What fails after the signal is lost.
 */
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

const ENOUGH = 200;
const PATIENCE_MS = 5_000;
const [port, pid] = process.argv.slice(2).map(Number);
const agent = new Agent({ keepAlive: true, maxSockets: 8 });
const answers = new Map<string, number>();
const lost: string[] = [];
let before: ReadonlySet<string> | null = null;
let fresh = 0;

async function ask(path: string): Promise<string> {
  const req = request({ host: '127.0.0.1', port, path, agent }).end();
  req.setTimeout(PATIENCE_MS, () => req.destroy(new Error('no answer')));
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  let text = '';
  for await (const bytes of res) text += String(bytes);
  if (res.statusCode !== 200) throw new Error(`${res.statusCode} ${res.statusMessage}`);
  return text.trim();
}

async function client(): Promise<void> {
  while (fresh < ENOUGH) {
    try {
      const who = await ask('/');
      answers.set(who, (answers.get(who) ?? 0) + 1);
      if (before !== null && !before.has(who)) fresh++;
    } catch (error) {
      if (before !== null) lost.push((error as NodeJS.ErrnoException).code ?? (error as Error).message);
      await wait(10);
    }
    const total = [...answers.values()].reduce((sum, count) => sum + count, 0);
    if (before !== null || total < ENOUGH) continue;
    before = new Set(answers.keys());
    process.kill(pid!, 'SIGHUP');
  }
}

await Promise.all(Array.from({ length: 8 }, client));
agent.destroy();
for (const [who, count] of answers) console.log(`${who.replace('hello from', 'worker')}: ${count} answers`);
const kinds = [...new Set(lost)].map((kind) => `, ${kind}`).join('');
console.log(`lost: ${lost.length}${kinds}`);
