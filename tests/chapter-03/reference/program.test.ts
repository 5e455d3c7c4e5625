/** The reference alone: what its program adds to the handler, and what an access log must not take away. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { HttpResponse } from '../../../solutions/02-http/index.ts';
import type { HttpRequest } from '../../../solutions/02-http/index.ts';
import { accessLog } from '../../../solutions/03-static/index.ts';

const MAIN = fileURLToPath(new URL('../../../solutions/03-static/main.ts', import.meta.url));

let root: string;
let child: ChildProcess | undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'program-'));
});

afterEach(() => {
  child?.kill('SIGKILL');
  child = undefined;
  rmSync(root, { recursive: true });
});

/** Starts the program and gives its port. */
async function start(...args: string[]): Promise<number> {
  child = spawn(process.execPath, [MAIN, '--port', '0', '--directory', root, '--no-log', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout!, 'data') as [Buffer];
  return Number(/:(\d+)\s*$/.exec(line.toString())?.[1]);
}

/** All that comes back for a request until the connection ends. */
async function ask(port: number, line: string, ...fields: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => (received += text));
  socket.write([line, 'Host: a', 'Connection: close', ...fields, '', ''].join('\r\n'));
  await once(socket, 'end');
  return received;
}

test('--cors and --header reach every response, of files and of errors', async () => {
  writeFileSync(join(root, 'a.txt'), 'abc');
  const port = await start('--cors', '--header', 'X-Site: mine', '--header', 'Content-Type: text/x-mine');
  const cases: [status: number, line: string, ...fields: string[]][] = [
    [200, 'GET /a.txt HTTP/1.1'],
    [206, 'GET /a.txt HTTP/1.1', 'Range: bytes=0-0'],
    [404, 'GET /nothing HTTP/1.1'],
    [405, 'DELETE /a.txt HTTP/1.1'],
    [501, 'BREW /a.txt HTTP/1.1'],
    [412, 'GET /a.txt HTTP/1.1', 'If-Match: "other"'],
    [416, 'GET /a.txt HTTP/1.1', 'Range: bytes=9-'],
    [400, 'GET /%zz HTTP/1.1'],
    [400, 'GET / HTTP/1.1', 'Host: b'],
    [400, 'NONSENSE'],
  ];
  for (const [status, line, ...fields] of cases) {
    const response = await ask(port, line, ...fields);
    expect(response).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(response.match(/^Access-Control-Allow-Origin: \*\r$/gm)).toHaveLength(1);
    expect(response.match(/^X-Site: mine\r$/gm)).toHaveLength(1);
    expect(response.match(/^Content-Type: /gm)).toHaveLength(1);
  }
  expect(await ask(port, 'GET /a.txt HTTP/1.1', 'Range: bytes=9-')).toContain('Content-Range: bytes */3');
}, 20_000);

// Names are bytes on Linux alone.
describe.runIf(process.platform === 'linux')('names', () => {
  test('a name with U+FFFD in it is listed as it is served, and one that is not UTF-8 is not listed', async () => {
    mkdirSync(join(root, 'names'));
    writeFileSync(join(root, 'names', 'a\ufffdb.txt'), 'replaced');
    writeFileSync(Buffer.concat([Buffer.from(join(root, 'names/')), Buffer.from('c\xffd.txt', 'latin1')]), 'broken');
    const port = await start();
    const listing = await ask(port, 'GET /names/ HTTP/1.1');
    expect([...listing.matchAll(/<td><a href="([^"]*)"/g)].map(([, href]) => href)).toContain('a%EF%BF%BDb.txt');
    expect(listing).not.toContain('d.txt');
    expect(await ask(port, 'GET /names/a%EF%BF%BDb.txt HTTP/1.1')).toMatch(/replaced$/);
  });
});

test('an access log keeps the reason and the trailers of what it logs', async () => {
  const trailers = (): [string, string][] => [['X-Digest', 'abc']];
  const answer = new HttpResponse(200, [['X-Own', '1']], (function* () { yield 'a'; })(), { reason: 'Quite', trailers });
  const logged = await accessLog(() => answer, () => {})({ method: 'GET' } as HttpRequest);
  expect(logged).toMatchObject({ status: 200, reason: 'Quite', trailers, headers: [['X-Own', '1']] });
});
