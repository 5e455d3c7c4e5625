/**
 * The machine that a benchmark runs on: what it is, which cores there are, which programs it has.
 */

import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';

/** Where servers and generators run, so that neither takes the other's time. */
export interface Cores {
  /** The core that the server under test has to itself. */
  readonly server: string;
  /** The cores of the load generator. */
  readonly generator: string;
}

/** Picks cores: one for the server, two others for the generator where there are as many. */
export function chooseCores(): Cores {
  const count = availableParallelism();
  if (count < 2) return { server: '0', generator: '0' };
  return { server: '1', generator: count === 2 ? '0' : count === 3 ? '0,2' : '2,3' };
}

/** Cores for a server with several workers. */
export interface ManyCores extends Cores {
  /** How many the server has. */
  readonly count: number;
}

/** All cores but the last one for the server: that is the generator's. */
export function shareCores(): ManyCores {
  const all = availableParallelism();
  if (all === 1) return { server: '0', generator: '0', count: 1 };
  return { server: `0-${all - 2}`, generator: String(all - 1), count: all - 1 };
}

/** The path of a program, or `null`. Looks into /usr/sbin too: Debian's place for nginx, and in few users' PATH. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}

/** One line that says what was measured on. Without cores, server and generator share them all. */
export function describeMachine(cores?: Cores): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const system = `${distribution()} ${platform()} ${release()}`;
  const where = cores === undefined ? 'nothing pinned' : `server on core ${cores.server}, generator on ${cores.generator}`;
  return `${model}, ${availableParallelism()} cores, ${memory}, ${system}, Node ${process.version}; ${where}`;
}

/** How many files this process and those that it starts may have open: Node raises it as far as it may. */
export function openFilesMax(): number {
  const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return limit === undefined ? Infinity : Number(limit);
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}
