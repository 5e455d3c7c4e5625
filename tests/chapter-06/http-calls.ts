/** What the tests of 6.1 do inside the process of the code under test. */
import type { Address } from '#support/tcp-client.ts';
import { HttpScripts } from './http-script.ts';
import type { HttpStep } from './http-script.ts';
import type { ServeSetup, Stage } from './stage.ts';

export function httpCalls(stage: Stage) {
  const scripts = new HttpScripts(stage);
  return {
    /** Serves an application that follows a script for each path. */
    serveScripts: async (paths: Record<string, readonly HttpStep[]>, setup: ServeSetup = {}): Promise<Address> =>
      await stage.serve(scripts.app(paths), setup),

    /** What the application was called with last, as far as it can be told. */
    lastScope: (): Record<string, unknown> => scripts.lastScope,
  };
}
