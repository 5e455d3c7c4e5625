/** The reference alone: a log that nobody reads holds up neither serving nor the end of the process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../../solutions/03-static/main.ts', import.meta.url));
const REQUESTS = 1200;

/** The time that a process has used, in clock ticks of 10 ms; Linux alone tells. */
function usedTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Computes until this process has used a second, and says how many ticks that were. */
function computeOneSecond(): number {
  const before = process.cpuUsage();
  let used = { user: 0, system: 0 };
  while (used.user + used.system < 1e6) used = process.cpuUsage(before);
  return (used.user + used.system) / 10_000;
}

test('SIGTERM ends a server whose log waits for a reader, and waiting costs nothing', async () => {
  const root = mkdtempSync(join(tmpdir(), 'log-'));
  const child = spawn(process.execPath, [MAIN, '--port', '0', '--directory', root], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = await once(child.stdout, 'data') as [Buffer];
    child.stdout.pause();
    const port = Number(/:(\d+)\s*$/.exec(line.toString())?.[1]);
    // More lines than a pipe and this process's buffers hold.
    const socket = connect(port, '127.0.0.1');
    let responses = 0;
    const done = Promise.withResolvers<void>();
    socket.setEncoding('latin1').on('data', (text: string) => {
      responses += text.split('HTTP/1.1 404 ').length - 1;
      if (responses >= REQUESTS) done.resolve();
    });
    for (let request = 0; request < REQUESTS; request++) socket.write(`GET /${'x/'.repeat(1500)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await done.promise;
    socket.destroy();
    if (process.platform === 'linux') {
      const before = usedTicks(child.pid!);
      const computed = computeOneSecond();
      // A process that tries again and again would use as much as this one.
      expect(usedTicks(child.pid!) - before).toBeLessThan(computed / 4);
    }
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect((await exited)[0]).toBe(0);
  } finally {
    child.kill('SIGKILL');
    rmSync(root, { recursive: true });
  }
}, 30_000);
