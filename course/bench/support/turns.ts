/**
 * Measuring so that nothing is lost: what one server cannot do is left out and said, and Ctrl-C ends what is being measured,
 * not the benchmark. What has been measured by then is printed and written all the same.
 */

import { writeFileSync } from 'node:fs';

import { ServerProcess } from './server-process.ts';
import type { ServerCommand } from './server-process.ts';

/** Exit code of a program that SIGINT ends, by custom. */
const INTERRUPTED = 130;

let stopped = false;

/** From now on the first Ctrl-C (or SIGTERM) only keeps anything more from being measured. The second one ends the program. */
export function keepWhatIsMeasured(): void {
  const stop = (): void => {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    stopped = true;
    console.log('\nStopping. What has been measured so far follows; Ctrl-C once more ends it at once.');
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
}

/** 0, or what to exit with where not all was measured because somebody wanted an end. */
export function benchExitCode(): number {
  return stopped ? INTERRUPTED : 0;
}

/** Says what is measured next, where anything is. */
export function announce(title: string): void {
  if (!stopped) console.log(`${title} …`);
}

/** Measures something, and says why where that fails; then, and after Ctrl-C, there is nothing: `null`. */
export async function attempt<T>(what: string, measure: () => Promise<T> | T): Promise<T | null> {
  if (stopped) return null;
  try {
    const measured = await measure();
    // Ctrl-C reaches every process of the terminal: what was being measured then was cut short.
    return stopped ? null : measured;
  } catch (error) {
    if (!stopped) console.log(`Without ${what}: ${error instanceof Error ? error.message.trim() : String(error)}`);
    return null;
  }
}

/** Starts the servers. One that does not start is left out. */
export async function startServers(commands: readonly ServerCommand[], core: string): Promise<ServerProcess[]> {
  const servers: ServerProcess[] = [];
  for (const command of commands) {
    const server = await attempt(command.name, () => ServerProcess.start(command, core));
    if (server !== null) servers.push(server);
  }
  return servers;
}

/**
 * Measures each in turn, round after round. A first round warms up and does not count. One that fails is left out from
 * then on, and so is one of which no round was finished.
 *
 * @param measure is told whether the round is the one that warms up
 */
export async function inTurns<Server extends { readonly name: string }, Measured>(
  title: string,
  servers: readonly Server[],
  rounds: number,
  measure: (server: Server, warmsUp: boolean) => Promise<Measured>,
): Promise<Map<Server, Measured[]>> {
  const results = new Map<Server, Measured[]>(servers.map((server) => [server, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const server of [...results.keys()]) {
      const measured = await attempt(`${server.name} in ${title}`, () => measure(server, round === 0));
      if (measured === null && !stopped) results.delete(server);
      if (measured !== null && round > 0) results.get(server)!.push(measured);
    }
  }
  return new Map([...results].filter(([, measured]) => measured.length > 0));
}

/** Writes what was measured as JSON, where that is wanted, and whether it is all. */
export function writeResults(file: string | null, results: object): void {
  if (file !== null) writeFileSync(file, `${JSON.stringify({ complete: !stopped, ...results }, null, 2)}\n`);
}
