/** A CGI script does not outlive its server, however the server is ended. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

test.skipIf(process.platform === 'win32').each([
  ['SIGINT', 'SIGINT'], ['SIGTERM', 'SIGINT'], ['SIGHUP'],
] as const)('after %s %s', async (...signals) => {
  const door = createServer().listen(0, '127.0.0.1');
  await once(door, 'listening');
  const environment = { ...process.env, TEST_PORT: String((door.address() as AddressInfo).port) };
  const app = `${path('./deaf-script.ts')}:app`;
  const server = spawn(process.execPath, [path('../../../solutions/05-gateway/main.ts'), '--port', '0', '--log', 'none', '--app', app], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  const port = Number(/:(\d+)\n/.exec(line.toString())![1]);
  const client = connect(port, '127.0.0.1', () => client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).on('error', () => {});
  const [script] = (await once(door, 'connection')) as [Socket];
  const scriptEnds = once(script.resume().on('error', () => {}), 'close');
  const serverEnds = once(server, 'exit') as Promise<[code: number | null, signal: string | null]>;
  for (const signal of signals) {
    server.kill(signal);
    // The first signal stops the server's listening; after that the second may come.
    if (signals.length > 1 && signal === signals[0]) await stopsListening(port);
  }
  // The server ends as it would without our code: by the signal.
  expect((await serverEnds)[1]).toBe(signals.at(-1));
  await scriptEnds;
  door.close();
});

async function stopsListening(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const refused = await new Promise<boolean>((resolve) => socket.on('connect', () => resolve(false)).on('error', () => resolve(true)));
    socket.destroy();
    if (refused) return;
  }
}
