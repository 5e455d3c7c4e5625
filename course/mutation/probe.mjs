/**
 * Imported first by every instrumented file, in the process of the code under
 * test: writes down which mutants that process reaches.
 *
 * The process may be killed at any moment, so each id is written as soon as it
 * is seen, and once.
 */
import { openSync, writeSync } from 'node:fs';

const file = process.env.MUTATION_COVERAGE;

if (file !== undefined && globalThis.__stryker__ === undefined) {
  // Now: a rule may take the process's rights or its descriptors away.
  const descriptor = openSync(file, 'a');
  const seen = new Proxy({}, {
    set(target, id, count) {
      if (!(id in target)) writeSync(descriptor, `${id}\n`);
      return Reflect.set(target, id, count);
    },
  });
  globalThis.__stryker__ = { mutantCoverage: { static: seen, perTest: {} } };
}
