/**
 * Applications to be served, obedient ones and others, each under its path. They know the interface and no server. They
 * tell a probe what they see and what is done to them.
 */
import type { Body, Environ, GatewayApp, GatewayHeader, StartResponse } from '#subject/05-gateway/index.ts';

/** The secret in the errors that applications throw: no client may ever see it. */
export const SECRET = 'the password is sesame';

/** What a test sees of the applications, and the gates at which they wait for it. */
export class Probe {
  readonly events: string[] = [];
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();

  note(event: string): void {
    this.events.push(event);
  }

  open(name: string): void {
    this.#gate(name).resolve();
  }

  async pass(name: string): Promise<void> {
    await this.#gate(name).promise;
  }

  #gate(name: string): PromiseWithResolvers<void> {
    const known = this.#gates.get(name) ?? Promise.withResolvers<void>();
    this.#gates.set(name, known);
    return known;
  }
}

/** All of it, in one piece. */
export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

const PLAIN: GatewayHeader = ['Content-Type', 'text/plain'];
const bytes = (text: string): Buffer => Buffer.from(text);

/** A value of the query. */
function arg(environ: Environ, name: string, otherwise = ''): string {
  return new URLSearchParams(environ.QUERY_STRING).get(name) ?? otherwise;
}

/** The parts of the query, `part` by `part`. */
function partsOf(environ: Environ): Buffer[] {
  return new URLSearchParams(environ.QUERY_STRING).getAll('part').map(bytes);
}

function lengthOf(environ: Environ): GatewayHeader[] {
  const length = arg(environ, 'length');
  return length === '' ? [PLAIN] : [PLAIN, ['Content-Length', length]];
}

/** A body of these parts, of the kind that the query asks for. It tells the probe what is done to it. */
function bodyOf(kind: string, parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, probe: Probe): Body {
  const close = (): void => probe.note('close');
  if (kind === 'list') return Object.assign([...parts as Iterable<Uint8Array>], { close });
  if (kind === 'sync') {
    return {
      close,
      [Symbol.iterator]: () => {
        const inner = (parts as Iterable<Uint8Array>)[Symbol.iterator]();
        return {
          next: () => {
            probe.note('next');
            return inner.next();
          },
          return: () => {
            probe.note('return');
            return inner.return?.() ?? { done: true, value: undefined };
          },
        };
      },
    };
  }
  return {
    close,
    [Symbol.asyncIterator]: () => {
      const inner = Symbol.asyncIterator in parts ? parts[Symbol.asyncIterator]() : parts[Symbol.iterator]();
      return {
        next: async () => {
          probe.note('next');
          return await inner.next();
        },
        return: async () => {
          probe.note('return');
          return await inner.return?.() ?? { done: true, value: undefined };
        },
      };
    },
  };
}

/** One application for each path, and 404 for all others. */
export function makeApps(probe: Probe): GatewayApp {
  const apps: Record<string, GatewayApp> = { ...answers(probe), ...heads(probe), ...failures(probe), ...inputs(probe), ...breakers(probe) };
  return (environ, startResponse) => {
    const app = Object.hasOwn(apps, environ.PATH_INFO) ? apps[environ.PATH_INFO] : undefined;
    probe.note(`call ${environ.PATH_INFO}`);
    if (app !== undefined) return app(environ, startResponse);
    startResponse('404 Not Found', [PLAIN]);
    return [bytes('no such application\n')];
  };
}

function answers(probe: Probe): Record<string, GatewayApp> {
  return {
    /** A list of one part. */
    '/hello': (environ, startResponse) => {
      startResponse(arg(environ, 'status', '200 OK'), [PLAIN, ['Set-Cookie', 'a=1'], ['X-Said', arg(environ, 'said', '-')], ['Set-Cookie', 'b=2']]);
      return [bytes(arg(environ, 'text'))];
    },

    /** The parts of the query in a body of the kind that it asks for. */
    '/parts': (environ, startResponse) => {
      startResponse(arg(environ, 'status', '200 OK'), lengthOf(environ));
      return bodyOf(arg(environ, 'kind', 'list'), partsOf(environ), probe);
    },

    /** The same as generators, which have a return() but no close(), and start when they are first asked. */
    '/generator': function* (environ, startResponse) {
      try {
        startResponse('200 OK', lengthOf(environ));
        yield* partsOf(environ);
      } finally {
        probe.note('finally');
      }
    },
    '/async-generator': async function* (environ, startResponse) {
      try {
        await Promise.resolve();
        startResponse('200 OK', lengthOf(environ));
        yield* partsOf(environ);
      } finally {
        probe.note('finally');
      }
    },

    '/nothing': (_environ, startResponse) => {
      startResponse('200 OK', []);
      return [];
    },

    /** The same piece of memory for every part. */
    '/same-memory': (_environ, startResponse) => {
      startResponse('200 OK', [PLAIN]);
      const part = Buffer.alloc(64 * 1024);
      return (async function* () {
        for (let index = 0; index < 96; index++) {
          probe.note('asked');
          part.fill(index);
          yield part;
        }
      })();
    },

    /** One part, then the gate `more`, then another. */
    '/two-parts': (environ, startResponse) => {
      startResponse('200 OK', lengthOf(environ));
      return bodyOf('async', (async function* () {
        yield bytes('one,');
        await probe.pass('more');
        yield bytes('two');
      })(), probe);
    },

    /** An empty part, then the head, and then the parts of the query. */
    '/starts-late': async function* (environ, startResponse) {
      yield bytes('');
      startResponse(arg(environ, 'status', '200 OK'), lengthOf(environ));
      yield bytes('');
      yield* partsOf(environ);
    },

    /** Endless empty parts, and no head. */
    '/empty-parts': () => bodyOf('async', (async function* () {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        yield bytes('');
      }
    })(), probe),

    /** Endless parts. */
    '/endless': (_environ, startResponse) => {
      startResponse('200 OK', [PLAIN]);
      return bodyOf('async', (async function* () {
        for (;;) yield Buffer.alloc(16 * 1024, 'e');
      })(), probe);
    },

    /** Gives nothing, and waits until the client has gone. */
    '/waits': (environ, startResponse) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      environ['gateway.signal'].addEventListener('abort', () => {
        probe.note('abort');
        resolve();
      });
      startResponse('200 OK', [PLAIN]);
      return bodyOf('async', (async function* () {
        probe.note('waiting');
        await promise;
        yield bytes('for nobody');
      })(), probe);
    },

    /** Waits for something that never comes, and ignores the signal. */
    '/deaf': (_environ, startResponse) => {
      startResponse('200 OK', [PLAIN]);
      const next = async (): Promise<IteratorResult<Uint8Array>> => {
        probe.note('waiting');
        return await new Promise(() => {});
      };
      return bodyOf('async', { [Symbol.asyncIterator]: () => ({ next, return: () => Promise.resolve({ done: true, value: undefined }) }) }, probe);
    },

    /** Reports an abort that comes after the response was complete, since there should be none. */
    '/watches-signal': (environ, startResponse) => {
      environ['gateway.signal'].addEventListener('abort', () => probe.note('abort'));
      startResponse('200 OK', [PLAIN]);
      return arg(environ, 'kind') === '' ? [bytes('watched')] : bodyOf('async', [bytes('wat'), bytes('ched')], probe);
    },

    '/flags': (environ, startResponse) => {
      startResponse('200 OK', [PLAIN]);
      return [bytes(['multithread', 'multiprocess', 'runOnce'].map((flag) => String(environ[`gateway.${flag}`])).join(' '))];
    },

    '/own-fields': (_environ, startResponse) => {
      startResponse('200 OK', [PLAIN, ['date', 'Thu, 01 Jan 1970 00:00:00 GMT'], ['sErVeR', 'of-its-own']]);
      return [bytes('mine')];
    },

    '/hints': async function* (environ, startResponse) {
      const hints = environ['gateway.earlyHints'];
      probe.note(`hints ${typeof hints}`);
      hints?.([['Link', '</style.css>; rel=preload; as=style']]);
      startResponse('200 OK', [PLAIN]);
      yield bytes('first,');
      hints?.([['Link', '</late.css>; rel=preload; as=style']]);
      yield bytes('second');
    },
  };
}

function heads(probe: Probe): Record<string, GatewayApp> {
  const attempt = (act: () => void): void => {
    try {
      act();
      probe.note('taken');
    } catch (error) {
      probe.note(`threw ${(error as { rule?: string } | null)?.rule ?? ''}`.trim());
    }
  };
  return {
    /** Calls startResponse with what the request's body says, which no server may accept, and then with a good head. */
    '/tries': async function* (environ, startResponse) {
      const { status, headers } = JSON.parse((await environ['gateway.input'].read()).toString('utf8')) as { status: string; headers: GatewayHeader[] };
      attempt(() => startResponse(status, headers));
      startResponse('200 OK', [['X-Good', 'yes']]);
      yield bytes('good');
    },

    '/twice': (_environ, startResponse) => {
      startResponse('200 OK', [['X-First', 'yes']]);
      attempt(() => startResponse('404 Not Found', [['X-Second', 'yes']]));
      return [bytes('first')];
    },

    /** Changes its mind, with an error, before anything but an empty part has been given. */
    '/changes-its-mind': async function* (_environ, startResponse) {
      startResponse('200 OK', [['X-First', 'yes']]);
      yield Buffer.alloc(0);
      await probe.pass('change');
      attempt(() => startResponse('503 Service Unavailable', [['X-Second', 'yes']], new Error(SECRET)));
      yield bytes('sorry');
    },

    /** An error may be any value but undefined. */
    '/falsy-error': (environ, startResponse) => {
      startResponse('200 OK', []);
      attempt(() => startResponse('500 Internal Server Error', [['X-Second', 'yes']], arg(environ, 'error') === 'null' ? null : 0));
      return [bytes('sorry')];
    },

    '/too-late': (environ, startResponse) => {
      startResponse('200 OK', lengthOf(environ));
      return bodyOf('async', (async function* () {
        yield bytes('some');
        const error = { '': new Error(SECRET), null: null, 0: 0 }[arg(environ, 'error')];
        try {
          startResponse('500 Internal Server Error', [], error);
          probe.note('taken');
        } catch (thrown) {
          probe.note(thrown === error ? 'threw the same' : 'threw another error');
        }
        yield bytes('more');
      })(), probe);
    },

    '/never-starts': (environ) => bodyOf(arg(environ, 'kind'), partsOf(environ), probe),
  };
}

function failures(probe: Probe): Record<string, GatewayApp> {
  return {
    '/throws': () => {
      throw new Error(SECRET);
    },
    '/starts-and-throws': (_environ, startResponse) => {
      startResponse('200 OK', [PLAIN]);
      throw new Error(SECRET);
    },
    /** Throws after the parts of the query. */
    '/body-throws': (environ, startResponse) => {
      startResponse('200 OK', lengthOf(environ));
      return bodyOf(arg(environ, 'kind'), (function* () {
        yield* partsOf(environ);
        throw new Error(SECRET);
      })(), probe);
    },
    '/close-throws': (environ, startResponse) => {
      startResponse('200 OK', [PLAIN]);
      const close = (): void => {
        probe.note('close');
        throw new Error(SECRET);
      };
      return Object.assign(partsOf(environ), { close });
    },
    '/close-rejects': (environ, startResponse) => {
      startResponse('200 OK', [PLAIN]);
      const close = async (): Promise<void> => {
        await Promise.resolve();
        throw new Error(SECRET);
      };
      return Object.assign(partsOf(environ), { close });
    },
    /** Throws an AbortError, as if the client had gone, although it has not. */
    '/gives-up': async function* () {
      yield await Promise.resolve(bytes(''));
      throw Object.assign(new Error(SECRET), { name: 'AbortError' });
    },
    /** Waits until the client has gone, and then fails. */
    '/fails-for-nobody': async function* (environ) {
      const { promise, resolve } = Promise.withResolvers<void>();
      environ['gateway.signal'].addEventListener('abort', () => resolve());
      yield bytes('');
      probe.note('waiting');
      await promise;
      throw new Error(SECRET);
    },
    /** Gives another response after the head has been sent, and ignores what is thrown. */
    '/too-late-and-quiet': async function* (_environ, startResponse) {
      startResponse('200 OK', [PLAIN]);
      yield await Promise.resolve(bytes('first'));
      try {
        startResponse('500 Internal Server Error', [PLAIN], new Error(SECRET));
      } catch {
        // It goes on as if nothing had happened.
      }
      yield bytes('second');
    },
    '/starts-twice': (_environ, startResponse) => {
      startResponse('200 OK', [PLAIN]);
      startResponse('200 OK', [PLAIN]);
      return [];
    },
    '/object': ((_environ: Environ, startResponse: StartResponse) => {
      startResponse('200 OK', [PLAIN]);
      return { parts: [] };
    }) as unknown as GatewayApp,
    '/null': ((_environ: Environ, startResponse: StartResponse) => {
      startResponse('200 OK', [PLAIN]);
      return null;
    }) as unknown as GatewayApp,
    '/promise': (async (_environ: Environ, startResponse: StartResponse) => {
      startResponse('200 OK', []);
      return await Promise.resolve([bytes('later')]);
    }) as unknown as GatewayApp,
    '/rejected': (() => Promise.reject(new Error(SECRET))) as unknown as GatewayApp,
    '/string': ((_environ: Environ, startResponse: StartResponse) => {
      startResponse('200 OK', []);
      return 'a text';
    }) as unknown as GatewayApp,
    '/undefined': ((_environ: Environ, startResponse: StartResponse) => void startResponse('200 OK', [])) as unknown as GatewayApp,
    '/string-part': ((environ: Environ, startResponse: StartResponse) => {
      startResponse('200 OK', []);
      return bodyOf(arg(environ, 'kind', 'list'), ['a text'] as unknown as Uint8Array[], probe);
    }) as unknown as GatewayApp,
  };
}

function inputs(probe: Probe): Record<string, GatewayApp> {
  return {
    '/echo': async function* (environ, startResponse) {
      startResponse('200 OK', [PLAIN]);
      for await (const part of environ['gateway.input']) yield part;
    },
    '/reads-all': async function* (environ, startResponse) {
      const whole = await environ['gateway.input'].read();
      const beyond = await environ['gateway.input'].read(1);
      startResponse('200 OK', [PLAIN]);
      yield bytes(`${whole.toString('latin1')}|${beyond.length}`);
    },
    /** A line, some bytes, the rest. */
    '/reads-mixed': async function* (environ, startResponse) {
      const input = environ['gateway.input'];
      const line = await input.readline();
      const some = await input.read(5);
      const rest = await collect(input);
      startResponse('200 OK', [PLAIN]);
      yield bytes([line, some, rest].map((part) => part.toString('latin1')).join('|'));
    },
    '/reads-not': (_environ, startResponse) => {
      startResponse('200 OK', [PLAIN]);
      return [bytes('not read')];
    },
    '/error-log': (environ, startResponse) => {
      environ['gateway.errors'].write(`${arg(environ, 'text')}\n`);
      startResponse('200 OK', [PLAIN]);
      return [bytes('logged')];
    },
    '/upload': async function* (environ, startResponse) {
      let length = 0;
      for await (const part of environ['gateway.input']) length += part.length;
      startResponse('201 Created', [PLAIN]);
      probe.note(`uploaded ${length}`);
      yield bytes(String(length));
    },
    /** Answers with its environ, as JSON. */
    '/environ': (environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'application/json']]);
      const strings = Object.entries(environ).filter(([, value]) => typeof value === 'string');
      return [bytes(JSON.stringify(Object.fromEntries(strings)))];
    },
  };
}

/** Applications for the validator: each breaks the rule that its path names. */
function breakers(probe: Probe): Record<string, GatewayApp> {
  const started = (startResponse: StartResponse, length?: number, status = '200 OK'): void =>
    startResponse(status, length === undefined ? [PLAIN] : [PLAIN, ['Content-Length', String(length)]]);
  const quietly = (act: () => void): void => {
    try {
      act();
    } catch {
      // The server refuses it, as it should.
    }
  };
  const says = (status: string, headers: readonly GatewayHeader[]): GatewayApp => (_environ, startResponse) => {
    quietly(() => startResponse(status, headers));
    started(startResponse);
    return [bytes('fine')];
  };
  return {
    '/breaks/G1': (async () => await Promise.resolve([])) as unknown as GatewayApp,
    '/breaks/G31': async function* (environ, startResponse) {
      await environ['gateway.input'].read(-1).catch(() => {});
      started(startResponse);
      yield bytes('fine');
    },
    '/breaks/G36': async function* (environ, startResponse) {
      const input = environ['gateway.input'];
      await Promise.allSettled([input.read(), input.read()]);
      started(startResponse);
      yield bytes('fine');
    },
    '/breaks/G37': (environ, startResponse) => {
      started(startResponse);
      const close = (): void => void setImmediate(() => void environ['gateway.input'].read(1).then(() => probe.note('read'), () => probe.note('read')));
      return Object.assign([bytes('fine')], { close });
    },
    '/breaks/G38': (environ, startResponse) => {
      (environ['gateway.errors'].write as (text: unknown) => void)(7);
      started(startResponse);
      return [bytes('fine')];
    },
    '/breaks/G40': says('OK', [PLAIN]),
    '/breaks/G41': says('200 OK', [['Content Type', 'text/plain']]),
    '/breaks/G42': says('200 OK', [['X-Name', 'a\r\nSet-Cookie: b=c']]),
    '/breaks/G43': says('200 OK', [['connection', 'keep-alive']]),
    '/breaks/G49': says('200 OK', [['Content-Length', '4 bytes']]),
    '/breaks/G44': (_environ, startResponse) => {
      started(startResponse);
      quietly(() => started(startResponse));
      return [bytes('fine')];
    },
    '/breaks/G47': () => [bytes('nothing was started')],
    '/breaks/G47-later': function* (_environ, startResponse) {
      yield bytes('too early');
      started(startResponse);
    },
    '/breaks/G47-end': async function* () {},
    '/breaks/G50': ((_environ: Environ, startResponse: StartResponse) => {
      started(startResponse);
      return ['a text'];
    }) as unknown as GatewayApp,
    '/breaks/G50-later': (async function* (_environ: Environ, startResponse: StartResponse) {
      started(startResponse);
      yield bytes('fine');
      yield 'a text';
    }) as unknown as GatewayApp,
    '/breaks/G50-string': ((_environ: Environ, startResponse: StartResponse) => {
      started(startResponse);
      return 'a text';
    }) as unknown as GatewayApp,
    '/breaks/G55': (_environ, startResponse) => {
      started(startResponse, 3);
      return [bytes('long')];
    },
    '/breaks/G55-later': async function* (_environ, startResponse) {
      started(startResponse, 5);
      yield bytes('long');
      yield bytes('er');
    },
    '/breaks/G56': (_environ, startResponse) => {
      started(startResponse, 9);
      return [bytes('short')];
    },
    '/breaks/G56-later': async function* (_environ, startResponse) {
      started(startResponse, 9);
      yield bytes('sh');
      yield bytes('ort');
    },
    '/breaks/G57': (_environ, startResponse) => {
      started(startResponse, undefined, '204 No Content');
      return [bytes('something')];
    },
    '/breaks/G57-later': function* (_environ, startResponse) {
      started(startResponse, undefined, '304 Not Modified');
      yield bytes('something');
    },
    /** Breaks two rules in one request, one of them when the body is closed. */
    '/breaks/two-by-close': (environ, startResponse) => {
      started(startResponse, 9);
      const close = (): void => (environ['gateway.errors'].write as (text: unknown) => void)(7);
      return Object.assign([bytes('short')], { close });
    },
    /** Breaks two rules in one request. */
    '/breaks/two': function* (environ, startResponse) {
      (environ['gateway.errors'].write as (text: unknown) => void)(7);
      started(startResponse, 9);
      yield bytes('short');
    },
  };
}
