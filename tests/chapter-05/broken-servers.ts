/**
 * Servers that break a rule of docs/gateway-spec.md, each named by the rule and what it does. They serve an obedient
 * application, around which a test may put a validator.
 */
import { setImmediate } from 'node:timers/promises';
import type { Body, Environ, GatewayApp, GatewayInput, StartResponse } from '#subject/05-gateway/index.ts';

type Validate = (app: GatewayApp) => GatewayApp;

const PLAIN = [['Content-Type', 'text/plain']] as const;

const list: GatewayApp = (_environ, startResponse) => {
  startResponse('200 OK', PLAIN);
  return [Buffer.from('a list')];
};
const sync: GatewayApp = function* (_environ, startResponse) {
  startResponse('200 OK', PLAIN);
  yield Buffer.from('one');
  yield Buffer.from('two');
};
const later: GatewayApp = async function* (_environ, startResponse) {
  startResponse('200 OK', PLAIN);
  yield Buffer.from('one');
  await Promise.resolve();
  yield Buffer.from('two');
};
const throwing: GatewayApp = async function* (_environ, startResponse) {
  startResponse('200 OK', PLAIN);
  yield Buffer.from('one');
  throw new Error('broken');
};
const reader = (read: (input: GatewayInput) => Promise<unknown>): GatewayApp => async function* (environ, startResponse) {
  await read(environ['gateway.input']);
  startResponse('200 OK', PLAIN);
  yield Buffer.from('read');
};

const closing = (close: () => void | Promise<void>): GatewayApp => (_environ, startResponse) => {
  startResponse('200 OK', PLAIN);
  return Object.assign([Buffer.from('a list')], { close });
};

/** An input that gives these texts, one by one, whatever it is asked for. */
function inputOf(...answers: string[]): GatewayInput {
  const next = async (): Promise<Buffer> => await Promise.resolve(Buffer.from(answers.shift() ?? ''));
  return { read: next, readline: next, async *lines() {}, async *[Symbol.asyncIterator]() {} };
}

function environOf(changes: Record<string, unknown> = {}): Environ {
  const environ: Record<string, unknown> = {
    REQUEST_METHOD: 'GET',
    SCRIPT_NAME: '/notes',
    PATH_INFO: '/a b',
    QUERY_STRING: 'x=1',
    SERVER_NAME: '127.0.0.1',
    SERVER_PORT: '8080',
    SERVER_PROTOCOL: 'HTTP/1.1',
    REMOTE_ADDR: '127.0.0.1',
    REMOTE_PORT: '5000',
    HTTP_HOST: 'localhost',
    'gateway.version': [1, 0],
    'gateway.urlScheme': 'http',
    'gateway.input': inputOf(),
    'gateway.errors': { write: () => {} },
    'gateway.multithread': false,
    'gateway.multiprocess': false,
    'gateway.runOnce': false,
    'gateway.rawPathInfo': '/a%20b',
    'gateway.signal': new AbortController().signal,
    'test.own': true,
    ...changes,
  };
  for (const [key, value] of Object.entries(environ)) if (value === undefined) delete environ[key];
  return environ as Environ;
}

/** Accepts everything. */
const takesAll: StartResponse = () => {};

/** Reads a body part by part, up to its end. */
async function send(body: Body): Promise<void> {
  for await (const part of body) void part;
  await body.close?.();
}

async function serve(app: GatewayApp, environ: Environ = environOf(), startResponse: StartResponse = takesAll): Promise<void> {
  await send(app(environ, startResponse));
}

/** A body's iterator, of either kind. */
function iterate(body: Body): Iterator<unknown> | AsyncIterator<unknown> {
  return Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
}

const withEnviron = (changes: Record<string, unknown>) => async (validate: Validate): Promise<void> => {
  try {
    await serve(validate(list), environOf(changes));
  } catch {
    // An environ with missing keys may be too little for the code that works with it.
  }
};
const withInput = (input: GatewayInput, read: (input: GatewayInput) => Promise<unknown>, changes: Record<string, unknown> = {}) => async (validate: Validate): Promise<void> =>
  await serve(validate(reader(read)), environOf({ 'gateway.input': input, ...changes }));
const takes = (...calls: Parameters<StartResponse>[]) => async (validate: Validate): Promise<void> =>
  await serve(validate((_environ, startResponse) => {
    for (const call of calls) startResponse(...call);
    return [Buffer.from('taken')];
  }));

/** Named by the rule and by what is done. Servers whose rule is `none` obey; some return what they and their application have seen. */
export const brokenServers: Record<string, (validate: Validate) => Promise<string[] | void>> = {
  'none: a list': async (validate) => await serve(validate(list)),
  'none: a body of parts': async (validate) => await serve(validate(sync)),
  'none: an asynchronous body': async (validate) => await serve(validate(later)),
  'none: a body that is given up': async (validate) => {
    const body = validate(later)(environOf(), takesAll);
    const iterator = iterate(body);
    await iterator.next();
    await iterator.return?.();
    await body.close?.();
  },
  'none: a body with a length that is given up': async (validate) => {
    const body = validate(async function* (_environ, startResponse) {
      startResponse('200 OK', [['Content-Length', '6']]);
      yield Buffer.from('one');
      yield Buffer.from('two');
    })(environOf(), takesAll);
    const iterator = iterate(body);
    await iterator.next();
    await iterator.return?.();
    await body.close?.();
  },
  'none: a body that was never asked for a part': async (validate) => void (await validate(later)(environOf(), takesAll).close?.()),
  'none: a body that throws': async (validate) => {
    const body = validate(throwing)(environOf(), takesAll);
    await send(body).catch(() => {});
    await body.close?.();
  },
  'none: an empty path, OPTIONS *': async (validate) => {
    await serve(validate(list), environOf({ PATH_INFO: '', 'gateway.rawPathInfo': '' }));
    await serve(validate(list), environOf({ REQUEST_METHOD: 'OPTIONS', SCRIPT_NAME: '', PATH_INFO: '*', 'gateway.rawPathInfo': '*' }));
  },

  'application: close() throws': async (validate) => {
    const body = validate((_environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '9']]);
      const close = (): void => {
        throw new Error('cannot be closed');
      };
      return Object.assign([Buffer.from('short')], { close });
    })(environOf(), takesAll);
    await send(body).catch(() => {});
  },

  'application: close() takes its time': async (validate) => {
    const seen: string[] = [];
    const body = validate(closing(async () => {
      await setImmediate();
      seen.push('the body is closed');
    }))(environOf(), takesAll);
    await send(body);
    seen.push('the server goes on');
    return seen;
  },
  'application: close() is called twice': async (validate) => {
    const seen: string[] = [];
    const body = validate(closing(() => void seen.push('close')))(environOf(), takesAll);
    await send(body);
    await body.close?.();
    return seen;
  },
  'application: gives a string, then a part': async (validate) =>
    await serve(validate(function* (_environ, startResponse) {
      startResponse('200 OK', PLAIN);
      yield 'a text' as unknown as Uint8Array;
      yield Buffer.from('a part');
    })),

  'application: iterations that are given up': async (validate) => {
    const seen: string[] = [];
    function* parts(): Generator<Buffer> {
      try {
        yield Buffer.from('one');
        yield Buffer.from('two');
      } finally {
        seen.push('ended');
      }
    }
    const whole = [['Content-Length', '6']] as const;
    const body = (given: Body): Body => validate((_environ, startResponse) => {
      startResponse('200 OK', whole);
      return given;
    })(environOf(), takesAll);
    async function* later(): AsyncGenerator<Buffer> {
      yield* parts();
      await Promise.resolve();
    }
    const bare = { next: () => ({ done: false as const, value: Buffer.from('one') }) };
    const bareLater = { next: async () => await Promise.resolve(bare.next()) };
    for (const given of [parts(), later(), { [Symbol.iterator]: () => bare }, { [Symbol.asyncIterator]: () => bareLater }]) {
      const watched = body(given);
      for await (const part of watched) {
        void part;
        break;
      }
      await watched.close?.();
    }
    return seen;
  },
  'application: parts that throw before their length is reached': async (validate) => {
    function* parts(): Generator<Buffer> {
      yield Buffer.from('one');
      throw new Error('broken');
    }
    async function* later(): AsyncGenerator<Buffer> {
      yield* parts();
      await Promise.resolve();
    }
    for (const given of [parts(), later()]) {
      const body = validate((_environ, startResponse) => {
        startResponse('200 OK', [['Content-Length', '6']]);
        return given;
      })(environOf(), takesAll);
      await send(body).catch(() => {});
      await body.close?.();
    }
  },
  'application: its client leaves, and the server closes its body': async (validate) => {
    for (const end of ['before', 'after']) {
      const gone = new AbortController();
      const body = validate(later)(environOf({ 'gateway.signal': gone.signal }), takesAll);
      const iterator = iterate(body);
      await iterator.next();
      if (end === 'before') gone.abort();
      await iterator.return?.();
      await body.close?.();
      gone.abort();
    }
    await new Promise<void>((resolve) => void setTimeout(resolve, 150));
  },
  'application: an asynchronous body is iterated twice': async (validate) => {
    const body = validate(later)(environOf(), takesAll);
    for await (const part of body) void part;
    await iterate(body).return?.();
    await body.close?.();
  },
  'application: parts that throw at once, and are never closed': async (validate) => {
    const body = validate((_environ, startResponse) => {
      startResponse('200 OK', PLAIN);
      return (function* (): Generator<Buffer> {
        yield Buffer.from('one');
        throw new Error('broken');
      })();
    })(environOf(), takesAll);
    const iterator = iterate(body);
    for (let asked = 0; asked < 2; asked++) {
      try {
        await iterator.next();
      } catch {
        // The body has thrown; a server closes it now.
      }
    }
  },

  'G10: the environ is frozen': async (validate) => await serve(validate(list), Object.freeze(environOf())),
  'G11: PATH_INFO is missing': withEnviron({ PATH_INFO: undefined }),
  'G11: QUERY_STRING is null': withEnviron({ QUERY_STRING: null }),
  'G12: the method has a space in it': withEnviron({ REQUEST_METHOD: 'GET /' }),
  'G13: SCRIPT_NAME ends with a slash': withEnviron({ SCRIPT_NAME: '/notes/' }),
  'G13: SCRIPT_NAME begins without one': withEnviron({ SCRIPT_NAME: 'notes' }),
  'G14: PATH_INFO begins without a slash': withEnviron({ PATH_INFO: 'a', 'gateway.rawPathInfo': 'a' }),
  'G14: PATH_INFO is * for a GET': withEnviron({ PATH_INFO: '*', 'gateway.rawPathInfo': '*' }),
  'G15: PATH_INFO is not decoded': withEnviron({ PATH_INFO: '/a%20b' }),
  'G15: rawPathInfo is left unchanged': withEnviron({ PATH_INFO: '/b', 'gateway.rawPathInfo': '/notes/b' }),
  'G16: QUERY_STRING has its question mark': withEnviron({ QUERY_STRING: '?x=1' }),
  'G17: there is HTTP_CONTENT_TYPE': withEnviron({ HTTP_CONTENT_TYPE: 'text/plain' }),
  'G17: CONTENT_LENGTH is a number': withEnviron({ CONTENT_LENGTH: 7 }),
  'G18: a header field is a list': withEnviron({ HTTP_ACCEPT: ['a', 'b'] }),
  'G20: SERVER_NAME is empty': withEnviron({ SERVER_NAME: '' }),
  'G20: SERVER_PORT is a word': withEnviron({ SERVER_PORT: 'http' }),
  'G21: REMOTE_PORT is a number': withEnviron({ REMOTE_PORT: 5000 }),
  'G22: another version': withEnviron({ 'gateway.version': [2, 0] }),
  'G22: another scheme': withEnviron({ 'gateway.urlScheme': 'ftp' }),
  'G23: a flag is missing': withEnviron({ 'gateway.multithread': undefined }),
  'G24: a signal that is not an AbortSignal': withEnviron({ 'gateway.signal': {} }),
  'G25: early hints that cannot be called': withEnviron({ 'gateway.earlyHints': true }),
  'G26: a key of its own without a dot': withEnviron({ session: 'abc' }),

  'G30: the input gives more than CONTENT_LENGTH': withInput(inputOf('seventeen bytes !'), async (input) => await input.read(), { CONTENT_LENGTH: '9' }),
  'G30: the input goes on after its end': withInput(inputOf('a', 'b'), async (input) => {
    await input.read();
    await input.read();
  }),
  'G31: read(3) gives four': withInput(inputOf('four'), async (input) => await input.read(3)),
  'G32: readline() gives two lines': withInput(inputOf('one\ntwo\n'), async (input) => await input.readline()),

  'G46: an error is accepted after the head has been sent': async (validate) =>
    await serve(validate(async function* (_environ, startResponse) {
      startResponse('200 OK', PLAIN);
      yield Buffer.from('one');
      startResponse('500 Internal Server Error', PLAIN, new Error('too late'));
      yield Buffer.from('two');
    })),
  'G40: a status without a text is accepted': takes(['200', PLAIN]),
  'G42: a CRLF in a value is accepted': takes(['200 OK', [['X-A', 'b\r\nX-C: d']]]),
  'G43: a field of the connection is accepted': takes(['200 OK', [['Transfer-Encoding', 'chunked']]]),
  'G44: a second call is accepted': takes(['200 OK', PLAIN], ['404 Not Found', PLAIN]),

  'G51: the body is iterated twice': async (validate) => {
    const body = validate(sync)(environOf(), takesAll);
    for await (const part of body) void part;
    await iterate(body).return?.();
    await body.close?.();
  },
  'G51: a part is asked for before the previous one has come': async (validate) => {
    const body = validate(later)(environOf(), takesAll);
    const iterator = iterate(body);
    await Promise.all([iterator.next(), iterator.next()]);
    await iterator.next();
    await body.close?.();
  },
  'G51: a part is asked for after the end': async (validate) => {
    const body = validate(sync)(environOf(), takesAll);
    const iterator = iterate(body);
    for (let asked = 0; asked < 4; asked++) await iterator.next();
    await body.close?.();
  },
  'G51: a part is asked for after close()': async (validate) => {
    const body = validate(later)(environOf(), takesAll);
    const iterator = iterate(body);
    await iterator.next();
    await body.close?.();
    await iterator.next();
  },
  'G53: close() is called twice': async (validate) => {
    const body = validate(sync)(environOf(), takesAll);
    await send(body);
    await body.close?.();
  },
  'G53: a list is closed twice': async (validate) => {
    const body = validate(list)(environOf(), takesAll);
    await send(body);
    await body.close?.();
  },
  'G53: close() is never called': async (validate) => {
    for await (const part of validate(later)(environOf(), takesAll)) void part;
  },
  'G53: close() is never called when the client has gone': async (validate) => {
    const gone = new AbortController();
    const body = validate(later)(environOf({ 'gateway.signal': gone.signal }), takesAll);
    await iterate(body).next();
    gone.abort();
  },
  'G53: close() is never called on a body that has thrown': async (validate) => {
    await send(validate(throwing)(environOf(), takesAll)).catch(() => {});
  },
};
