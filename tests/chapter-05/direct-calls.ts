/** Calls without a server: for requests as no client can bring them about whenever a test likes. */
import { setImmediate } from 'node:timers/promises';
import type * as Gateway from '#subject/05-gateway/index.ts';
import { WrongResult } from '#support/driver.ts';
import { makeApps } from './apps.ts';
import type { Probe } from './apps.ts';

export function directCalls(chapter: typeof Gateway, probe: Probe, onError: (error: unknown) => void) {
  /** The environ of a request of which only this is known: neither end of the connection, unless it is told. */
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

  /** What the probe has seen while this was done. */
  async function seenBy(act: () => Promise<void>): Promise<string[]> {
    const before = probe.events.length;
    await act();
    return probe.events.slice(before);
  }

  return {
    environOf,

    /** Calls an application of apps.ts for a client that has gone already, and does nothing with what comes of it. */
    callForNobody: async (target: string): Promise<string[]> => await seenBy(async () => {
      const [path = '', query = ''] = target.split('?');
      const signal = AbortSignal.abort();
      const call = async (): Promise<unknown> => await chapter.callApp(makeApps(probe), environOf({ path, query, signal }), signal, onError);
      // It may wait for a body for ever, or refuse an answer that is for nobody.
      call().catch(() => {});
      for (let turn = 0; turn < 5; turn++) await setImmediate();
    }),

    /** Calls an application of which one step, when its body is closed, has the client go. */
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
      if (body instanceof Uint8Array) throw new WrongResult('callApp answered with bytes where the application has given a body of parts');
      body.close();
      await setImmediate();
    }),
  };
}
