/**
 * Load by wrk with what it knows of latencies: the mean, the commonest and the worst.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface LatencyLoad {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** A new connection for each request. */
  readonly close: boolean;
  /** The core that wrk runs on. */
  readonly core: string;
}

/** Times in milliseconds. */
export interface Latencies {
  readonly requests: number;
  readonly seconds: number;
  readonly meanMs: number;
  /** The commonest, of times rounded to two digits. */
  readonly modeMs: number;
  readonly worstMs: number;
  /** Sockets that failed, responses that took too long, and those that were not 2xx or 3xx. */
  readonly failures: number;
}

/** wrk counts in microseconds. */
const SCRIPT = `
local function rounded(us)
  local step = 10 ^ (math.floor(math.log10(math.max(us, 1))) - 1)
  return math.floor(us / step + 0.5) * step
end
done = function(summary, latency)
  local counts, mode, most = {}, 0, 0
  for i = 1, #latency do
    local us, n = latency(i)
    local key = rounded(us)
    counts[key] = (counts[key] or 0) + n
    if counts[key] > most then mode, most = key, counts[key] end
  end
  local e = summary.errors
  io.write(string.format("TEN %d %d %.0f %.0f %.0f %d\\n", summary.requests, summary.duration, latency.mean, mode, latency.max,
    e.connect + e.read + e.write + e.status + e.timeout))
end
`;

/** Runs wrk. @throws Error with its output when it says nothing of use */
export async function runLatencyWrk({ url, connections, seconds, close, core }: LatencyLoad): Promise<Latencies> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    const script = join(folder, 'latency.lua');
    writeFileSync(script, SCRIPT);
    const args = ['-c', core, 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '60s', '-s', script];
    if (close) args.push('-H', 'Connection: close');
    const output = await run('taskset', [...args, url]);
    const line = /^TEN (.*)$/m.exec(output);
    if (line === null) throw new Error(`wrk said:\n${output}`);
    const [requests = 0, us = 1, mean = 0, mode = 0, worst = 0, failures = 0] = line[1]!.split(' ').map(Number);
    return { requests, seconds: us / 1e6, meanMs: mean / 1e3, modeMs: mode / 1e3, worstMs: worst / 1e3, failures };
  } finally {
    rmSync(folder, { recursive: true });
  }
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
