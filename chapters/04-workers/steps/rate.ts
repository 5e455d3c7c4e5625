/** Eight clients, each asking again as soon as it has its answer: `npx tsx chapters/04-workers/steps/rate.ts PORT [PATH]`. */
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';

const SECONDS = 5;
const [port, path = '/'] = process.argv.slice(2);
let answers = 0;
let others = 0;
const endMs = performance.now() + SECONDS * 1000;

async function client(): Promise<void> {
  while (performance.now() < endMs) {
    try {
      const [response] = (await once(request({ host: '127.0.0.1', port, path, agent: false }).end(), 'response')) as [IncomingMessage];
      response.resume();
      await once(response, 'end');
      if (response.statusCode === 200) answers++;
      else others++;
    } catch {
      others++;
    }
  }
}

await Promise.all(Array.from({ length: 8 }, client));
console.log(`${(answers / SECONDS).toFixed(1)} answers a second${others > 0 ? `, and ${others} that were not a 200` : ''}`);
