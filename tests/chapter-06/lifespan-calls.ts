/** What the tests of 6.2 do inside the process of the code under test. */
import type { Stage } from './stage.ts';

export function lifespanCalls(_stage: Stage) {
  return {};
}
