/**
 * What the benchmarks are told on the command line.
 */

import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly seconds: number;
  readonly rounds: number;
  readonly scenarios: readonly string[];
  /** All that are here, if it is null. */
  readonly servers: readonly string[] | null;
  /** The file for the figures. */
  readonly json: string | null;
}

/**
 * `--seconds`, `--rounds`, `--only`, `--servers` and `--json`.
 *
 * @param names the scenarios that there are
 * @throws Error for an option or a scenario that there is not
 */
export function benchOptions(
  argv: readonly string[],
  names: readonly string[],
  { seconds = 1, rounds = 3 }: { readonly seconds?: number; readonly rounds?: number } = {},
): BenchOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seconds: { type: 'string', default: String(seconds) },
      rounds: { type: 'string', default: String(rounds) },
      only: { type: 'string' },
      servers: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const scenarios = values.only?.split(',') ?? names;
  const unknown = scenarios.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`there is no scenario '${unknown}'; there are ${names.join(', ')}`);
  return {
    seconds: positive('--seconds', values.seconds),
    rounds: positive('--rounds', values.rounds),
    scenarios,
    servers: values.servers?.split(',') ?? null,
    json: values.json ?? null,
  };
}

/** @throws Error for anything but a whole number from 1 to 9,999 */
export function positive(name: string, value: string): number {
  if (!/^[1-9]\d{0,3}$/.test(value)) throw new Error(`${name} takes a whole number from 1, not '${value}'`);
  return Number(value);
}
