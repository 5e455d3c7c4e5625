/**
 * Runs one attack: `main.ts NAME --port N`. `npm run attack` comes here.
 *
 * It ends by itself, and closes what it has opened, also after Ctrl-C. Exit codes: 0 the server stood, 1 it fell, 2 there was
 * nothing to be seen or the attack could not be made.
 */

import type { Attack } from './attack.ts';
import { Refusal, targetOptions } from './options.ts';
import { Target } from './target.ts';

async function main([name = '', ...args]: readonly string[]): Promise<number> {
  const stop = new AbortController();
  const { default: attack } = (await import(new URL(`../${name}.ts`, import.meta.url).href)) as { default: Attack };
  const options = targetOptions(name, attack, args, stop.signal);
  const target = new Target(options);
  const onSignal = (): void => stop.abort();
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    const where = `${options.tls ? 'https' : 'http'}://${options.host.includes(':') ? `[${options.host}]` : options.host}:${options.port}${options.path}`;
    const before = await target.ask();
    if (stop.signal.aborted) return 130;
    if (before === null) throw new Refusal(`No answer from ${where}, and the attack has not even begun. Does a server listen there${options.tls ? '' : ', without TLS'}?`);
    console.log(`${name} ${attack.does}.`);
    console.log(`${where} answers ${before.status} to an ordinary request, in ${Math.ceil(before.ms)} ms.`);
    const { stood, why } = await attack.run(target);
    if (stop.signal.aborted) {
      console.log('Stopped. All connections of the attack are closed.');
      return 130;
    }
    console.log(`${stood === null ? 'NOTHING TO SEE' : stood ? 'IT STOOD' : 'IT FELL'}: ${why}.`);
    return stood === null ? 2 : stood ? 0 : 1;
  } finally {
    target.close();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
