/** The smallest supervisor, and two ways to break it: `npx tsx chapters/07-prefork/steps/keep.ts [broken]`. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

const STARTS = 20;
let child: ChildProcess;

// #region keep
/** Runs a program, and runs it again when it has ended. */
function keep(program: string): void {
  child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'ignore'] });
  child.once('exit', () => keep(program));
}
// #endregion keep

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function ask(port: number): Promise<string> {
  try {
    return await (await fetch(`http://127.0.0.1:${port}/`, { headers: { Connection: 'close' } })).text();
  } catch (error) {
    return ((error as Error).cause as NodeJS.ErrnoException).code ?? String(error);
  }
}

if (process.argv[2] === 'broken') {
  const startMs = performance.now();
  keep('throw new Error("no database")');
  for (let starts = 0; starts < STARTS; starts++) await once(child!, 'exit');
  console.log(`${STARTS} starts in ${((performance.now() - startMs) / 1000).toFixed(1)} s, and not one answer`);
} else {
  const port = await freePort();
  keep(`require('http').createServer((req, res) => res.end('hello from ' + process.pid)).listen(${port}, '127.0.0.1', () => console.log('ready'))`);
  await once(child!.stdout!, 'data');
  console.log(`before             ${await ask(port)}`);
  const { pid } = child!;
  child!.kill('SIGKILL');
  await once(child!, 'exit');
  console.log(`${String(pid).padStart(5)} is killed    ${await ask(port)}`);
  await once(child!.stdout!, 'data');
  console.log(`after              ${await ask(port)}`);
}
process.once('exit', () => child.kill('SIGKILL'));
process.exit();
