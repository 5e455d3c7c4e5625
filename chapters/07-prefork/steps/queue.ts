/**
 * A client that is waiting to be accepted when the worker dies: `npx tsx chapters/07-prefork/steps/queue.ts own|shared`.
 *
 * `own`: each worker binds the port itself. `shared`: this process has bound it, and each worker gets it as descriptor 3.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as net from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

const [role, name] = process.argv.slice(2);

// #region bind
/** Node's own class for a socket. It has no public name; node:cluster is built on it. */
const { _createServerHandle: createHandle } = net as unknown as {
  _createServerHandle: (host: string, port: number, family: 4 | 6, fd: number) => { readonly fd: number };
};

/** Binds a free port, and neither listens nor accepts. */
const socket = createHandle('127.0.0.1', 0, 4, -1);
// #endregion bind

// #region start
function start(name: string): ChildProcess {
  const stdio = ['ignore', 'inherit', 'inherit', role === 'shared' ? socket.fd : 'ignore', 'ipc'] as const;
  return spawn(process.execPath, [PROGRAM, 'worker', name], { stdio: [...stdio] });
}
// #endregion start

const PROGRAM = fileURLToPath(import.meta.url);
/** Sleeps, and does not accept. */
const sleep = (): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);

if (role === 'worker') {
  const server = net.createServer((client) => client.end(`hello from ${name}`));
  const told = once(process, 'message') as Promise<[{ fd?: number; port?: number; sleep: boolean }]>;
  process.send!('started');
  const [{ sleep: shallSleep, ...where }] = await told;
  server.listen({ host: '127.0.0.1', ...where }, () => {
    process.send!((server.address() as AddressInfo).port, () => shallSleep && sleep());
  });
} else {
  const where = role === 'shared' ? { fd: 3 } : { port: 0 };
  const first = start('worker 1');
  await once(first, 'message');
  first.send({ ...where, sleep: true });
  const [port] = (await once(first, 'message')) as [number];
  const client = net.connect({ host: '127.0.0.1', port });
  const answer = new Promise<string | undefined>((resolve) => {
    client.once('data', (bytes) => resolve(String(bytes))).once('error', ({ code }: NodeJS.ErrnoException) => resolve(code));
  });
  await once(client, 'connect');
  console.log('client: connected, and not accepted yet');
  first.kill('SIGKILL');
  await once(first, 'exit');
  console.log('worker 1: killed');
  const second = start('worker 2');
  await once(second, 'message');
  second.send({ ...(role === 'shared' ? where : { port }), sleep: false });
  await once(second, 'message');
  console.log('worker 2: listens');
  console.log(`client: ${await answer}`);
  second.kill('SIGKILL');
}
