/** Calls without a server, for situations that no client can bring about reliably. */
import { setImmediate } from 'node:timers/promises';
import type * as Gateway from '#subject/05-gateway/index.ts';
import { WrongResult } from '#support/driver.ts';
import { makeApps } from './apps.ts';
import type { Probe } from './apps.ts';

export function directCalls(chapter: typeof Gateway, probe: Probe, onError: (error: unknown) => void) {
  /** The environ of a request about which only this is known: neither end of the connection, unless it is given. */
  function environOf(facts: Partial<Gateway.RequestFacts>): Gateway.Environ {
    const request: Gateway.RequestFacts = {
      method: 'GET',
      path: '/',
      query: '',
      form: 'origin',
      authority: 'localhost',
      httpVersion: '1.1',
      headers: { pairs: () => [] },
      scheme: 'http',
      remoteAddress: undefined,
      remotePort: undefined,
      localAddress: undefined,
      localPort: undefined,
      signal: new AbortController().signal,
      ...facts,
    };
    return chapter.environOf(request, chapter.withGatewayDefaults({ errors: { write: () => {} } }), chapter.noInput);
  }

  /** What the probe saw during this. */
  async function seenBy(act: () => Promise<void>): Promise<string[]> {
    const before = probe.events.length;
    await act();
    return probe.events.slice(before);
  }

  return {
    environOf,

    /** Calls an application of apps.ts for a client that has already gone, and ignores the outcome. */
    callForNobody: async (target: string): Promise<string[]> => await seenBy(async () => {
      const [path = '', query = ''] = target.split('?');
      const signal = AbortSignal.abort();
      const call = async (): Promise<unknown> => await chapter.callApp(makeApps(probe), environOf({ path, query, signal }), signal, onError);
      // It may wait for a body for ever, or refuse to answer a client that has gone.
      call().catch(() => {});
      for (let turn = 0; turn < 5; turn++) await setImmediate();
    }),

    /** Calls an application whose body makes the client leave in one step of being closed. */
    callAndLeaveByClose: async (step: 'return' | 'close'): Promise<string[]> => await seenBy(async () => {
      const gone = new AbortController();
      const does = (seen: string): void => {
        probe.note(seen);
        if (seen === step) gone.abort();
      };
      const app: Gateway.GatewayApp = (_environ, startResponse) => {
        startResponse('200 OK', []);
        return {
          close: () => does('close'),
          [Symbol.asyncIterator]: () => ({
            next: async () => await Promise.resolve({ done: false as const, value: Buffer.from('part') }),
            return: async () => {
              does('return');
              return await Promise.resolve({ done: true as const, value: undefined });
            },
          }),
        };
      };
      const { body } = await chapter.callApp(app, environOf({ signal: gone.signal }), gone.signal, onError);
      if (body instanceof Uint8Array) throw new WrongResult('callApp returned bytes although the application gave a body of parts');
      body.close();
      await setImmediate();
    }),
  };
}
