/** What the tests of 6.2 do inside the process of the code under test. */
import { Server } from 'node:net';
import type { Address } from '#support/tcp-client.ts';
import type { Step } from './script.ts';
import { Scripts } from './scripted-app.ts';
import { addressOf, describe } from './stage.ts';
import type { Probe, ServeSetup, Stage } from './stage.ts';

export function lifespanCalls(stage: Stage) {
  const { probe } = stage;
  const scripts = new Scripts(stage);
  return {
    /**
     * Begins to serve an application whose life follows a script, and notes what comes of it: `listens`, and then
     * `serving`, or `not serving: ` with the reason.
     */
    beginServing: (life: readonly Step[], paths: Record<string, readonly Step[]>, setup: ServeSetup = {}): void => {
      noteListening(probe);
      stage.serve(scripts.app(paths, life), { lifespan: 'auto', ...setup }).then(
        () => probe.note('serving'),
        (error: unknown) => {
          const { name, message } = describe(error);
          const { code } = error as { code?: unknown };
          probe.note(`not serving: ${String(code ?? name)} ${message}`);
        },
      );
    },

    /** Where the server listens that was started last. */
    address: (): Address => addressOf(stage.server),
  };
}

/** Every server that begins to listen in this process from now on is noted. */
function noteListening(probe: Probe): void {
  const { prototype } = Server;
  const { listen } = prototype;
  prototype.listen = function listens(this: Server, ...args: unknown[]): Server {
    probe.note('listens');
    return Reflect.apply(listen, this, args) as Server;
  };
}
