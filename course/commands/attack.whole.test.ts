/** The programs of chapter 08's `attacks`, on servers that stand and on servers that fall. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ROOT } from '../root.ts';

const MAIN = join(ROOT, 'chapters', '08-production', 'attacks', 'shared', 'main.ts');
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';

/** Runs an attack as the command does. @param meanwhile gets what has been printed, each time that there is more, and may end it */
async function attack(args: readonly string[], meanwhile: (stdout: string, kill: () => void) => void = () => undefined): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [MAIN, ...args]);
  onTestFinished(() => { child.kill('SIGKILL'); });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text: Buffer) => meanwhile((stdout += text.toString()), () => child.kill('SIGINT')));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

/** A server that answers each request whose head has ended with this, and does what it likes with connections. */
async function server(answer: (socket: Socket) => string, onConnection: (socket: Socket) => void = () => undefined): Promise<{ port: string; open: Set<Socket> }> {
  const open = new Set<Socket>();
  const listening: Server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined).once('close', () => open.delete(socket));
    let text = '';
    socket.on('data', (bytes) => {
      text = text.slice(-3) + bytes.toString('latin1');
      if (text.includes('\r\n\r\n')) socket.end(answer(socket));
    });
    onConnection(socket);
  });
  await new Promise<void>((resolve) => { listening.listen({ host: '127.0.0.1', port: 0 }, resolve); });
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    listening.close();
  });
  return { port: String((listening.address() as AddressInfo).port), open };
}

describe('an attack says', () => {
  test('that a server fell which waits for ever', async () => {
    const { port } = await server(() => OK);
    const { code, stdout } = await attack(['slow-headers', '--port', port, '--connections', '3', '--seconds', '1']);
    expect(stdout).toMatch(/^slow-headers begins heads, .*\n.* answers 200 to an ordinary request, in \d+ ms\.\n {2}\d s {2}3 of 3 half-sent heads; others are served in \d+ ms\n[^]*IT FELL: 3 of 3 half-sent heads are still there after 1 s \(/);
    expect(code).toBe(1);
  });

  test('that a server stood which cuts those that do not go on', async () => {
    const { port } = await server(() => OK, (socket) => socket.setTimeout(200, () => socket.end('HTTP/1.1 408 Request Timeout\r\n\r\n')));
    expect(await attack(['connection-flood', '--port', port, '--connections', '3', '--seconds', '30'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/IT STOOD: it has ended all 3 silent connections within \d+ s, and has served others meanwhile \(status 408\)\.\n$/) });
  });

  test('that a server fell which serves nobody else', async () => {
    let connections = 0;
    const { port } = await server(() => OK, (socket) => {
      if (++connections > 4) socket.destroy();
    });
    expect(await attack(['connection-flood', '--port', port, '--connections', '3', '--seconds', '30'])).toMatchObject({ code: 1, stdout: expect.stringMatching(/IT FELL: nobody else is served while it has 3 silent connections\.\n$/) });
  });

  test('whether one client can have everything', async () => {
    const greedy = await server(() => OK);
    expect(await attack(['request-flood', '--port', greedy.port])).toMatchObject({ code: 1, stdout: expect.stringMatching(/500 times 200, in .*\nIT FELL/) });
    let left = 100;
    const fair = await server((socket) => (socket.remoteAddress !== '127.0.0.1' || left-- > 0 ? OK : 'HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\n\r\n'));
    // Elsewhere, somebody else cannot be told from the client that floods.
    if (process.platform === 'linux') expect(await attack(['request-flood', '--port', fair.port])).toMatchObject({ code: 0, stdout: expect.stringMatching(/IT STOOD: it has answered 429, with Retry-After: 7, and serves others\.\n$/) });
  });

  test('how much of an endless head a server has taken', async () => {
    const { port } = await server(() => OK);
    expect(await attack(['header-bomb', '--port', port])).toMatchObject({ code: 1, stdout: expect.stringMatching(/IT FELL: it has taken \d+ KiB of fields, and goes on reading\.\n$/) });
  });

  test('that it was stopped, and leaves no connection', async () => {
    const { port, open } = await server(() => OK);
    let stopped = 0;
    const { code, stdout } = await attack(['slow-headers', '--port', port, '--connections', '3'], (text, kill) => {
      if (text.includes('3 of 3') && stopped++ === 0) kill();
    });
    expect(stdout).toMatch(/Stopped\. All connections of the attack are closed\.\n$/);
    expect(code).toBe(130);
    await expect.poll(() => open.size).toBe(0);
  });

  test('that nobody listens, and does not begin', async () => {
    const { code, stdout } = await attack(['slow-headers', '--port', '1']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});
