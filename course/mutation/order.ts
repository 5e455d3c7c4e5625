/**
 * Which rule to try first on a mutant: the one most likely to kill it for the
 * least time. Learned during the run, from the mutants nearby.
 */
import type { Mutant } from './mutants.ts';

interface Trial {
  readonly mutant: Mutant;
  readonly killed: boolean;
}

export class RuleOrder {
  /** Per rule: how long it takes, in milliseconds. */
  readonly #ms: ReadonlyMap<string, number>;
  /** Per rule: how many mutants it reaches. */
  readonly #reach = new Map<string, number>();
  readonly #trials = new Map<string, Trial[]>();

  constructor(ms: ReadonlyMap<string, number>, reachedBy: ReadonlyMap<string, readonly string[]>) {
    this.#ms = ms;
    for (const rule of [...reachedBy.values()].flat()) this.#reach.set(rule, (this.#reach.get(rule) ?? 0) + 1);
  }

  sort(mutant: Mutant, rules: readonly string[]): string[] {
    return rules
      .map((rule) => ({ rule, worth: this.#chance(mutant, rule) / (this.#ms.get(rule) ?? 1) }))
      .toSorted((a, b) => b.worth - a.worth)
      .map(({ rule }) => rule);
  }

  /** Takes in what a mutant's run showed: the rules that it passed, and the one that killed it. */
  learn(mutant: Mutant, passed: readonly string[], killedBy: string | undefined): void {
    for (const rule of passed) this.#add(rule, { mutant, killed: false });
    if (killedBy !== undefined) this.#add(killedBy, { mutant, killed: true });
  }

  #add(rule: string, trial: Trial): void {
    const trials = this.#trials.get(rule);
    if (trials) trials.push(trial);
    else this.#trials.set(rule, [trial]);
  }

  #chance(mutant: Mutant, rule: string): number {
    // A rule that reaches few mutants is about these few.
    let kills = 0.2 + 1 / (1 + (this.#reach.get(rule) ?? 0) / 50);
    let weight = 2;
    for (const trial of this.#trials.get(rule) ?? []) {
      const near = trial.mutant.file === mutant.file ? 1 / (1 + Math.abs(trial.mutant.line - mutant.line) / 3) : 0.02;
      weight += near;
      if (trial.killed) kills += near;
    }
    return kills / weight;
  }
}
