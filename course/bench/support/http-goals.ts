/**
 * What chapter 02's server is to reach beside others in the same run. Ratios, because they hold on any machine.
 */

export interface Goal {
  /** The scenario's name; `memory` for idle connections. */
  readonly scenario: string;
  readonly title: string;
  readonly against: 'node:http' | 'nginx';
  readonly atLeast: number;
  readonly aim: number;
}

/** Of requests per second, more is better; of memory, less is. */
export const httpGoals: readonly Goal[] = [
  { scenario: 'hello', title: 'hello', against: 'node:http', atLeast: 1.7, aim: 2 },
  { scenario: 'hello', title: 'hello', against: 'nginx', atLeast: 0.6, aim: 0.8 },
  { scenario: 'headers', title: 'twelve browser headers', against: 'node:http', atLeast: 1.4, aim: 1.8 },
  { scenario: 'headers', title: 'twelve browser headers', against: 'nginx', atLeast: 0.45, aim: 0.6 },
  { scenario: 'connect', title: 'a new connection each time', against: 'nginx', atLeast: 0.3, aim: 0.4 },
  { scenario: 'pipelined', title: 'sixteen pipelined', against: 'node:http', atLeast: 5, aim: 9 },
  { scenario: 'memory', title: 'memory per idle connection', against: 'node:http', atLeast: 0.5, aim: 0.3 },
];

/** Whether a goal is reached, with what was measured. */
export function verdict(goal: Goal, ratio: number): 'aim reached' | 'reached' | 'missed' {
  const reaches = (mark: number): boolean => (goal.scenario === 'memory' ? ratio <= mark : ratio >= mark);
  if (reaches(goal.aim)) return 'aim reached';
  return reaches(goal.atLeast) ? 'reached' : 'missed';
}
