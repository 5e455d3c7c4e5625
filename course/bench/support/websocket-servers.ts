/**
 * The servers whose WebSockets are compared, and what has to be there for them.
 */

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { findProgram } from './machine.ts';
import { freePort } from './server-process.ts';
import type { ServerCommand } from './server-process.ts';
import { OURS, THEIRS } from './websocket-scenarios.ts';
import type { WebSocketScenario } from './websocket-scenarios.ts';

const BENCH = dirname(import.meta.dirname);

/** What node:net can do without a protocol of its own: frames are told apart, and no more. */
const FLOOR = 'node:net';

/** Why a server cannot be measured under a load; `null` where it can. */
export function whyNot(server: string, { load }: WebSocketScenario): string | null {
  return server === FLOOR && load.deflate ? 'it has no permessage-deflate' : null;
}

/** The servers that are here; says of those that are not how to get them. */
export async function availableServers(wanted: readonly string[] | null): Promise<ServerCommand[]> {
  const folder = join(BENCH, 'servers');
  const node = (name: string, script: string, ...environment: string[]): ServerCommand => ({
    name, command: 'env', args: [...environment, process.execPath, '--expose-gc', join(folder, script)],
  });
  const servers = [
    node(OURS, 'websocket.ts'),
    node(`${OURS}-app`, 'websocket-app.ts'),
    node(THEIRS, 'ws.ts', 'WS_NO_BUFFER_UTIL=1'),
    node(FLOOR, 'websocket-floor.ts'),
  ];
  const modules = join(BENCH, 'node_modules');
  if (existsSync(join(modules, 'bufferutil'))) {
    servers.push(node(`${THEIRS}+bufferutil`, 'ws.ts', `NODE_PATH=${modules}`));
  } else {
    console.log(`Without ${THEIRS} with bufferutil: npm ci --prefix course/bench`);
  }
  const uvicorn = findProgram('uvicorn');
  if (uvicorn === null) console.log('Without uvicorn: pip install uvicorn websockets uvloop httptools');
  else servers.push(uvicornCommand(uvicorn, folder, await freePort()));
  return servers.filter((server) => wanted === null || wanted.includes(server.name));
}

function uvicornCommand(uvicorn: string, folder: string, port: number): ServerCommand {
  const options = ['--port', String(port), '--no-access-log', '--log-level', 'warning'];
  return {
    name: 'uvicorn',
    command: 'env',
    args: ['PYTHONDONTWRITEBYTECODE=1', uvicorn, '--app-dir', folder, ...options, 'websocket_asgi:app'],
    origin: `http://127.0.0.1:${port}`,
  };
}

/** Which ws it is. */
export function wsVersion(): string {
  const file = createRequire(import.meta.filename).resolve(`${THEIRS}/package.json`);
  return `${THEIRS} ${(JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version}`;
}
