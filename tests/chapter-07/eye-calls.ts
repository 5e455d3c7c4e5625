/** 7.8: a line of the access log, asked of the function itself; and the client of the control socket. */
import type { AccessFacts, Door } from './door.ts';

/** What the client has printed, and the exit code that it wants. */
export interface ClientRun {
  code: number;
  stdout: string;
  stderr: string;
}

export function eyeCalls(chapter: Door) {
  return {
    accessLine: (format: string, facts: AccessFacts): string => chapter.accessLine(format, facts),
    controlClient: async (path: string, command: string, pid?: number): Promise<ClientRun> => {
      const printed = { stdout: '', stderr: '' };
      const restore = (['stdout', 'stderr'] as const).map((name) => {
        const { write } = process[name];
        process[name].write = ((text: string | Uint8Array, ...rest: unknown[]) => {
          printed[name] += Buffer.from(text as string).toString();
          (rest.findLast((one) => typeof one === 'function') as (() => void) | undefined)?.();
          return true;
        }) as typeof write;
        return () => void (process[name].write = write);
      });
      try {
        return { code: await chapter.controlClient(path, command, pid), ...printed };
      } finally {
        for (const one of restore) one();
      }
    },
  };
}
