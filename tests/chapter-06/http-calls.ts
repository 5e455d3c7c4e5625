/** What the tests of 6.1 do inside the process of the code under test. */
import type * as Http from '#subject/02-http/index.ts';
import type { LoadChapter } from '#support/driver.ts';
import type { Address } from '#support/tcp-client.ts';
import type { LooseEvent, Step } from './script.ts';
import { Scripts } from './scripted-app.ts';
import type { ServeSetup, Stage } from './stage.ts';

export function httpCalls(stage: Stage, load: LoadChapter) {
  const scripts = new Scripts(stage);
  const loaded = async (): Promise<void> => void (scripts.http ??= (await load('02-http')) as typeof Http);
  return {
    /** Serves an application that follows a script for each path. */
    serveScripts: async (paths: Record<string, readonly Step[]>, setup: ServeSetup = {}): Promise<Address> => {
      await loaded();
      return await stage.serve(scripts.app(paths), setup);
    },

    /** Sends an event as the application that was called last; it has returned by now. */
    sendLate: async (event: LooseEvent): Promise<string> => await scripts.sendLate(event),

    /** What the application was called with last, as far as it can be told. */
    lastScope: (): Record<string, unknown> => scripts.lastScope,
  };
}
