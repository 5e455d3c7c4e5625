/** What SIGUSR1 does to a Node process: `npx tsx chapters/07-prefork/steps/usr1.ts`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Says when it may be signalled, and afterwards that it is still there. */
const PROGRAM = "process.on('SIGUSR2', () => console.log('nothing')); setInterval(() => {}, 1e6); console.log('ready')";
const LISTENER = "process.on('SIGUSR1', () => console.log('the listener is called'));";

for (const [label, flags, program] of [
  ['as it is', [], PROGRAM],
  ['with a listener', [], LISTENER + PROGRAM],
  ['with --disable-sigusr1', ['--disable-sigusr1'], PROGRAM],
  ['with both', ['--disable-sigusr1'], LISTENER + PROGRAM],
] as const) {
  const child = spawn(process.execPath, ['--inspect-port=0', ...flags, '-e', program]);
  child.stdout.setEncoding('utf8');
  child.stderr.setEncoding('utf8');
  await once(child.stdout, 'data');
  const said = Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')]);
  child.kill('SIGUSR1');
  // Where USR1 does nothing, nothing can be waited for: what comes next shows it.
  if (flags.length > 0) child.kill('SIGUSR2');
  const [text] = (await said) as [string];
  console.log(`${label.padEnd(24)} ${text.split('\n')[0]!.replace(/ on ws:.*/, ' on a port')}`);
  child.kill('SIGKILL');
}
