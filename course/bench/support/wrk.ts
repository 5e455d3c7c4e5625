/**
 * Load by wrk, which is fast enough not to be what is measured, and the server's CPU time beside it.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Cores } from './machine.ts';
import type { ServerProcess } from './server-process.ts';

export interface Load {
  readonly path: string;
  readonly connections: number;
  readonly seconds: number;
  readonly headers?: readonly string[];
  /** A Lua script of wrk's, as text. */
  readonly script?: string;
}

export interface Measured {
  readonly requestsPerSecond: number;
  /** How busy the server's core was, by the server: 100 is one whole core. */
  readonly cpuPercent: number;
  readonly cpuMicrosecondsPerRequest: number;
  /** Sockets that failed, and responses that were not 2xx or 3xx. */
  readonly failures: number;
}

/** Runs wrk against a server. @throws Error with wrk's output when it says nothing of use */
export async function runWrk(server: ServerProcess, load: Load, cores: Cores): Promise<Measured> {
  const threads = cores.generator.split(',').length;
  const args = ['-c', cores.generator, 'wrk', `-t${threads}`, `-c${load.connections}`, `-d${load.seconds}s`];
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    if (load.script !== undefined) {
      writeFileSync(join(folder, 'load.lua'), load.script);
      args.push('-s', join(folder, 'load.lua'));
    }
    for (const header of load.headers ?? []) args.push('-H', header);
    const cpuBefore = server.cpuSeconds();
    const output = await run('taskset', [...args, server.origin + load.path]);
    return measured(output, server.cpuSeconds() - cpuBefore);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function measured(output: string, cpuSeconds: number): Measured {
  const summary = /(\d+) requests in ([\d.]+)(ms|s|m),/.exec(output);
  if (summary === null) throw new Error(`wrk said:\n${output}`);
  const requests = Number(summary[1]);
  const seconds = Number(summary[2]) * { ms: 0.001, s: 1, m: 60 }[summary[3]!]!;
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output)?.slice(1) ?? [];
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? '0';
  return {
    requestsPerSecond: requests / seconds,
    cpuPercent: (cpuSeconds / seconds) * 100,
    cpuMicrosecondsPerRequest: (cpuSeconds / requests) * 1e6,
    failures: errors.reduce((sum, count) => sum + Number(count), Number(bad)),
  };
}

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', () => resolve(output));
  });
}
