/** What the tests of chapter 02 do inside the process of the code under test. */
import { createHash } from 'node:crypto';
import net, { connect } from 'node:net';
import type { Socket } from 'node:net';
import type * as Http from '#subject/02-http/index.ts';
import { driver, patientTimeouts, WrongResult } from '#support/driver.ts';
import { shiftClock } from '#support/shift-clock.ts';
import type { Address } from '#support/tcp-client.ts';

export type Pairs = (readonly [name: string, value: string])[];

/** How a function took an input: with a value, by refusing it with a status, or by breaking. */
export type Outcome<Value> = { accepted: Value } | { refused: number } | { threw: string };

export interface RequestLineValue {
  method: string;
  target: string;
  form: string;
  httpVersion: string;
}

/** A body that came out of a decoder, and what came after it. */
export interface DecodedBody {
  body: Buffer;
  trailers: Pairs;
  unread: Buffer;
}

/** What a handler of these tests does for a target. */
export interface Answer {
  status?: number;
  headers?: Pairs;
  reason?: string;
  /** The body as a whole … */
  body?: string | Uint8Array;
  /** … or in parts … */
  parts?: (string | Uint8Array)[];
  iterable?: 'sync' | 'async';
  /** … or endless parts of this many bytes. */
  endlessBytes?: number;
  /** The body breaks with an error after this many parts. */
  breaksAfter?: number;
  trailers?: Pairs;
  informational?: { status: number; headers: Pairs }[];
  /** What is read of the request's body before the answer. Default: nothing. */
  reads?: 'whole' | 'first part' | 'parts';
  /** The answer's body is the request's, with its Content-Type. */
  echo?: boolean;
  /** The answer's body is the request's, part by part as it comes. */
  streamsBack?: boolean;
  /** The answer's body is the request as the handler saw it, in JSON. */
  tells?: boolean;
  /** Waits for `release(gate)` before anything else. */
  gate?: string;
  /** Waits for `release` of this name and the part's number (`name1`, `name2`) before each part but the first. */
  partGate?: string;
  /** The handler returns the response itself and no promise. */
  synchronous?: boolean;
  throws?: 'error' | 'rejects' | 'nothing' | 'null' | 'http error' | 'garbage';
  /** Reads the request's body when the answer has been given, after `release` of this name; what it gets is in the call. */
  readsAfterwards?: string;
  /** Reports when the request's signal aborts. */
  watchesSignal?: boolean;
  /** Hands the connection over: what comes next is echoed in capitals, or it is taken over by a function that throws. */
  switches?: boolean | 'throws';
}

export interface ServeSetup {
  /** By method and target (`HEAD /a`), or by target alone. Others are answered by `otherwise`. */
  routes?: Record<string, Answer>;
  otherwise?: Answer;
  limits?: Partial<Http.HttpLimits>;
  timeouts?: Partial<Http.HttpTimeouts>;
  refusalHeaders?: Pairs;
  abortOnHalfClose?: boolean;
}

/** What the machine has made of the bytes that it was given, as far as it goes without an answer. */
export interface MachineReading {
  head?: RequestLineValue & { fields: Pairs };
  body: Buffer;
  /** Absent before the end of the body. */
  trailers?: Pairs;
  /** What it said at last: `need-more-data`, `paused`, `closed`, or a refusal. */
  last: Outcome<string>;
  /** What it has not touched. */
  left: Buffer;
  awaitsContinue: boolean;
}

/** Bytes that the machine has written, event by event, and what may be sent next. */
export interface MachineWriting {
  wire: Outcome<Buffer>[];
  ourState: string;
  theirState: string;
}

/** A TCP handle of Node's: what a listening socket is made from. */
interface ServerHandle {
  readonly fd: number;
  getsockname(name: { port?: number }): number;
  listen(backlog: number): number;
}

/** A socket that is bound to a free port, and does not listen. */
function boundHandle(): ServerHandle {
  return (net as unknown as { _createServerHandle: (address: string, port: number, family: 4) => ServerHandle })._createServerHandle('127.0.0.1', 0, 4);
}

/** Absent if requests are built differently and do not tell it. */
export interface Facts {
  authority?: string;
  scheme?: string;
  hasBody?: boolean;
  /** `null` if it is not known beforehand. */
  contentLength?: number | null;
  remoteAddress?: string;
  localAddress?: string;
  localPort?: number;
}

/** A request as the handler saw it. */
export interface Call {
  port: number;
  method: string;
  target: string;
  path: string;
  query: string;
  httpVersion: string;
  /** What else a request may tell, as far as this one does. */
  facts: Facts;
  headers: Pairs;
  /** The body as far as it was read, as latin1, if it is short. */
  body: string;
  bodyBytes: number;
  bodyHash: string;
  /** The body was read to its end. */
  complete: boolean;
  trailers: Pairs;
}

const HELD_BODY_BYTES = 4096;
/** The secret in the errors that handlers throw: no client may ever see it. */
export const SECRET = 'the password is sesame';

export default driver<typeof Http>()('02-http', (chapter) => {
  const calls: Call[] = [];
  const errors: string[] = [];
  const counters = { asked: 0, returned: 0, closed: 0, aborted: 0, cutShort: 0 };
  const gates = new Map<string, { promise: Promise<void>; open: () => void }>();
  let server: Http.HttpServer | undefined;
  let closing: Promise<void> | undefined;
  /** What must not be collected: the socket would be closed with it. */
  const held: unknown[] = [];
  let closeState: 'not called' | 'pending' | 'resolved' | string = 'not called';

  function gate(name: string): { promise: Promise<void>; open: () => void } {
    let found = gates.get(name);
    if (!found) {
      const { promise, resolve } = Promise.withResolvers<void>();
      found = { promise, open: resolve };
      gates.set(name, found);
    }
    return found;
  }

  function outcome<Value>(run: () => Value): Outcome<Value> {
    try {
      return { accepted: run() };
    } catch (error) {
      // A starter that is not begun, and the driver's own findings.
      if (error instanceof WrongResult || (error instanceof Error && 'exercise' in error)) throw error;
      const status = (error as { status?: unknown } | null)?.status;
      if (typeof status === 'number') return { refused: status };
      return { threw: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
    }
  }

  const limitsOf = (limits: Partial<Http.HttpLimits> | undefined): Http.HttpLimits => ({ ...chapter.defaultLimits, ...limits });
  const pairsOf = (headers: Iterable<readonly [string, string]>): Pairs => Array.from(headers, ([name, value]) => [name, value] as const);

  function* syncParts(answer: Answer): Generator<string | Uint8Array> {
    const { parts = [], endlessBytes, breaksAfter = Infinity } = answer;
    for (let index = 0; endlessBytes !== undefined || index < parts.length; index++) {
      if (index >= breaksAfter) throw new Error(SECRET);
      counters.asked++;
      yield endlessBytes === undefined ? (parts[index] as string | Uint8Array) : Buffer.alloc(endlessBytes, index);
    }
    if (breaksAfter <= parts.length) throw new Error(SECRET);
  }

  async function* asyncParts(answer: Answer): AsyncGenerator<string | Uint8Array> {
    let index = 0;
    for (const part of syncParts(answer)) {
      if (index > 0 && answer.partGate !== undefined) await gate(`${answer.partGate}${index}`).promise;
      index++;
      yield part;
    }
  }

  /** The parts, with a record of what the server does to their iterator. */
  function bodyOf(answer: Answer): Http.ResponseBody {
    if (answer.parts === undefined && answer.endlessBytes === undefined) return answer.body ?? '';
    const close = (): void => void counters.closed++;
    if (answer.iterable === 'sync') {
      return {
        close,
        [Symbol.iterator]: () => {
          const parts = syncParts(answer);
          const iterator: Iterator<string | Uint8Array> = {
            next: () => parts.next(),
            return: () => {
              counters.returned++;
              return parts.return(undefined);
            },
          };
          return iterator;
        },
      };
    }
    return {
      close,
      [Symbol.asyncIterator]: () => {
        const parts = asyncParts(answer);
        const iterator: AsyncIterator<string | Uint8Array> = {
          next: async () => await parts.next(),
          return: async () => {
            counters.returned++;
            return await parts.return(undefined);
          },
        };
        return iterator;
      },
    };
  }

  function factsOf(request: Http.HttpRequest): Facts {
    const facts: Record<string, unknown> = {};
    for (const name of ['authority', 'scheme', 'hasBody', 'contentLength', 'remoteAddress', 'localAddress', 'localPort'] as const) {
      if (name in request) facts[name] = request[name] ?? null;
    }
    return facts;
  }

  function record(request: Http.HttpRequest): Call {
    const call: Call = {
      port: request.remotePort ?? 0,
      method: request.method,
      target: request.target,
      path: request.path,
      query: request.query,
      httpVersion: request.httpVersion,
      facts: factsOf(request),
      headers: pairsOf(request.headers),
      body: '',
      bodyBytes: 0,
      bodyHash: '',
      complete: false,
      trailers: [],
    };
    calls.push(call);
    return call;
  }

  /** Reads the body, and counts it if it breaks off. */
  async function readBody(request: Http.HttpRequest, answer: Answer, call: Call): Promise<Buffer> {
    try {
      return await readParts(request, answer, call);
    } catch (error) {
      counters.cutShort++;
      throw error;
    }
  }

  async function readParts(request: Http.HttpRequest, answer: Answer, call: Call): Promise<Buffer> {
    const parts: Buffer[] = [];
    const hash = createHash('sha256');
    if (answer.reads === 'whole') parts.push(await request.bytes());
    else {
      for await (const part of request.body) {
        call.bodyBytes += part.length;
        if (!(part instanceof Uint8Array)) throw new WrongResult('a part of a body must be bytes');
        hash.update(part);
        if (call.bodyBytes <= HELD_BODY_BYTES || answer.echo) parts.push(Buffer.from(part));
        if (answer.reads === 'first part') return Buffer.concat(parts);
      }
    }
    const whole = Buffer.concat(parts);
    if (answer.reads === 'whole') {
      hash.update(whole);
      call.bodyBytes = whole.length;
    }
    call.body = whole.toString('latin1', 0, HELD_BODY_BYTES);
    call.bodyHash = hash.digest('hex');
    call.complete = true;
    call.trailers = pairsOf(request.trailers);
    return whole;
  }

  function respond(answer: Answer, call: Call, body: Buffer | undefined, request: Http.HttpRequest): Http.HttpResponse {
    if (answer.switches) {
      return chapter.HttpResponse.switchingProtocols([['Upgrade', 'capitals'], ...(answer.headers ?? [])], (socket: Socket, head: Buffer) => {
        if (answer.switches === 'throws') throw new Error(SECRET);
        const shout = (bytes: Buffer): void => void socket.write(bytes.toString('latin1').toUpperCase());
        if (head.length > 0) shout(head);
        socket.on('data', shout).on('error', () => {}).on('end', () => socket.end());
      });
    }
    const headers: Pairs = [...(answer.headers ?? [])];
    const type = request.headers.get('content-type');
    if (answer.echo && type !== undefined) headers.push(['Content-Type', type]);
    if (answer.streamsBack) return new chapter.HttpResponse(200, headers, request.body);
    const told = answer.tells ? JSON.stringify({ ...call, host: request.headers.get('HOST') }) : undefined;
    const { trailers } = answer;
    return new chapter.HttpResponse(answer.status ?? 200, headers, told ?? (answer.echo ? body : undefined) ?? bodyOf(answer), {
      ...(answer.reason === undefined ? {} : { reason: answer.reason }),
      ...(trailers === undefined ? {} : { trailers: () => trailers }),
    });
  }

  /** What a handler does instead of answering. */
  function misbehave(answer: Answer): Http.HttpResponse {
    switch (answer.throws) {
      case 'nothing':
        return undefined as unknown as Http.HttpResponse;
      case 'null':
        return null as unknown as Http.HttpResponse;
      case 'garbage':
        return { status: 'fine', headers: 7, body: {} } as unknown as Http.HttpResponse;
      case 'http error':
        throw new chapter.HttpError(answer.status ?? 400, typeof answer.body === 'string' ? answer.body : '', answer.headers ?? []);
      default:
        throw new Error(SECRET);
    }
  }

  const handlerOf = (setup: ServeSetup): Http.Handler => {
    const answerOf = ({ method, target }: Http.HttpRequest): Answer => {
      const routes = setup.routes ?? {};
      for (const key of [`${method} ${target}`, target]) if (Object.hasOwn(routes, key)) return routes[key] as Answer;
      return setup.otherwise ?? { body: `this is ${target}` };
    };
    const later = async (request: Http.HttpRequest, answer: Answer): Promise<Http.HttpResponse> => {
      const call = record(request);
      if (answer.watchesSignal) request.signal.addEventListener('abort', () => counters.aborted++);
      for (const { status, headers } of answer.informational ?? []) request.sendInformational(status, headers);
      if (answer.gate !== undefined) await gate(answer.gate).promise;
      const body = answer.reads === undefined ? undefined : await readBody(request, answer, call);
      if (answer.readsAfterwards !== undefined) gate(answer.readsAfterwards).promise.then(async () => await readParts(request, { reads: 'parts' }, call)).catch(() => {});
      if (answer.throws !== undefined) return misbehave(answer);
      return respond(answer, call, body, request);
    };
    return (request) => {
      const answer = answerOf(request);
      if (answer.throws === 'error' && answer.reads === undefined && answer.gate === undefined) {
        record(request);
        return misbehave(answer);
      }
      if (answer.synchronous) return respond(answer, record(request), undefined, request);
      return later(request, answer);
    };
  };

  async function start(handler: Http.Handler, setup: ServeSetup): Promise<Address> {
    server = await chapter.serveHttp(handler, {
      host: '127.0.0.1',
      port: 0,
      onError: (error: unknown) => errors.push(error instanceof Error ? error.message : String(error)),
      ...(setup.limits === undefined ? {} : { limits: setup.limits }),
      timeouts: { ...patientTimeouts, ...setup.timeouts },
      ...(setup.refusalHeaders === undefined ? {} : { refusalHeaders: setup.refusalHeaders }),
      ...(setup.abortOnHalfClose === undefined ? {} : { abortOnHalfClose: setup.abortOnHalfClose }),
    });
    const address = server?.address as { port?: unknown } | undefined;
    if (typeof address?.port !== 'number') throw new WrongResult('serveHttp resolved, but its `address` has no port');
    return { host: '127.0.0.1', port: address.port };
  }

  function running(): Http.HttpServer {
    if (!server) throw new Error('no server was started');
    return server;
  }

  return {
    /** Moves the clock that only goes forward, as if this much time had passed. */
    passTime: (ms: number) => {
      const now = performance.now.bind(performance);
      performance.now = () => now() + ms;
    },

    // 2.1

    /** Parses each line twice: alone, and as the middle of a longer text. Both must agree. */
    requestLines: (lines: string[], limits?: Partial<Http.HttpLimits>) => {
      const pick = (line: Http.RequestLine): RequestLineValue => {
        if (typeof line !== 'object' || line === null) throw new WrongResult(`parseRequestLine must return an object; it returned ${String(line)}`);
        return { method: line.method, target: line.target, form: line.form, httpVersion: line.httpVersion };
      };
      const all = limits === undefined ? undefined : limitsOf(limits);
      return lines.map((line) => ({
        alone: outcome(() => pick(chapter.parseRequestLine(line, all))),
        within: outcome(() => pick(chapter.parseRequestLine(`ab${line}\r\nHost: c\r\n`, limitsOf(limits), 2, 2 + line.length))),
      }));
    },

    // 2.2

    headerFields: (lines: string[]) =>
      lines.map((line) =>
        outcome(() => {
          const pair = chapter.parseHeaderField(line);
          if (!Array.isArray(pair)) throw new WrongResult(`parseHeaderField must return a name and a value; it returned ${String(pair)}`);
          return [pair[0], pair[1]] as [string, string];
        }),
      ),

    /** Reads a section of fields out of a text; `end: -1` is "need more". */
    fieldSection: (text: string, start: number, bytesMax: number, countMax: number) =>
      outcome(() => {
        const offsets: number[] = [];
        const end = chapter.parseFieldSection(text, start, bytesMax, countMax, offsets);
        if (typeof end !== 'number') throw new WrongResult(`parseFieldSection must return a position; it returned ${String(end)}`);
        return { end, fields: end === -1 ? [] : pairsOf(new chapter.HttpHeaders(text, offsets)) };
      }),

    /** For each prefix of a text: does parseFieldSection ask for more, and if not, what then? */
    fieldSectionPrefixes: (text: string, bytesMax: number, countMax: number) =>
      Array.from({ length: text.length + 1 }, (_, length) =>
        outcome(() => chapter.parseFieldSection(text.slice(0, length), 0, bytesMax, countMax, [])),
      ),

    /** Everything that a set of headers says about a name. */
    lookUp: (section: string, names: string[]) => {
      const offsets: number[] = [];
      const end = chapter.parseFieldSection(section, 0, 65_536, 1000, offsets);
      if (end !== section.length) throw new WrongResult(`parseFieldSection read to ${end} of ${section.length}`);
      const headers = new chapter.HttpHeaders(section, offsets);
      return {
        size: headers.size,
        pairs: pairsOf(headers),
        found: names.map((name) => ({ name, get: headers.get(name), all: [...headers.getAll(name)], has: headers.has(name) })),
      };
    },

    checkHosts: (cases: { method: string; target: string; form: string; httpVersion: string; hosts: string[] }[]) =>
      cases.map(({ hosts, ...line }) =>
        outcome(() => {
          const headers = chapter.HttpHeaders.from([['Accept', '*/*'], ...hosts.map((host) => ['Host', host] as const)]);
          chapter.checkHost(line as Http.RequestLine, headers);
          return 'accepted';
        }),
      ),

    // 2.3 and 2.4

    framings: (cases: { httpVersion: string; fields: Pairs; limits?: Partial<Http.HttpLimits> }[]) =>
      cases.map(({ httpVersion, fields, limits }) =>
        outcome(() => {
          const head = { httpVersion: httpVersion as Http.HttpVersion, headers: chapter.HttpHeaders.from(fields) };
          const framing = chapter.bodyFraming(head, limitsOf(limits));
          if (framing?.kind === undefined) throw new WrongResult(`bodyFraming must return a framing; it returned ${String(framing)}`);
          return framing.kind === 'length' ? `length ${framing.length}` : framing.kind;
        }),
      ),

    contentLengths: (values: string[]) => values.map((value) => outcome(() => chapter.parseContentLength(value))),

    chunkLines: (lines: string[]) => lines.map((line) => outcome(() => chapter.parseChunkLine(line))),

    /** Feeds a ChunkedDecoder each list of pieces. `more` is false where it is still waiting at the end. */
    decode: (deliveries: Uint8Array[][], limits?: Partial<Http.HttpLimits>) =>
      deliveries.map((pieces) => {
        const data: Buffer[] = [];
        const result = outcome((): DecodedBody | 'needs more' => {
          const decoder = new chapter.ChunkedDecoder(limitsOf(limits));
          let last: DecodedBody | undefined;
          for (const piece of pieces) {
            decoder.receiveData(piece);
            if (last) continue;
            for (let turn = 0; !last; turn++) {
              const event = decoder.nextEvent();
              if (event?.type === 'data') data.push(Buffer.from(event.data));
              else if (event?.type === 'end') last = { body: Buffer.concat(data), trailers: pairsOf(event.trailers), unread: Buffer.alloc(0) };
              else if (event?.type === 'need-more-data') break;
              else throw new WrongResult(`nextEvent must return data, end or need-more-data; it returned ${JSON.stringify(event)}`);
              if (turn > 1_000_000) throw new WrongResult('nextEvent gave a million events and never need-more-data: what it gives out must be consumed');
            }
          }
          return last ? { ...last, unread: Buffer.from(decoder.unread()) } : 'needs more';
        });
        return { result, dataBytes: data.reduce((sum, part) => sum + part.length, 0) };
      }),

    /** What a decoder does when it is asked again after it has refused. */
    decodeAfterRefusal: (bad: Uint8Array, good: Uint8Array) => {
      const decoder = new chapter.ChunkedDecoder(limitsOf({}));
      const drain = (): Outcome<string> =>
        outcome(() => {
          for (;;) {
            const { type } = decoder.nextEvent();
            if (type !== 'data') return type;
          }
        });
      decoder.receiveData(bad);
      const first = drain();
      const again = drain();
      decoder.receiveData(good);
      return [first, again, drain()];
    },

    persistence: (cases: { httpVersion: string; fields: Pairs }[]) =>
      cases.map(({ httpVersion, fields }) => {
        const head = { httpVersion: httpVersion as Http.HttpVersion, headers: chapter.HttpHeaders.from(fields) };
        return { persists: outcome(() => chapter.persists(head)), expectsContinue: outcome(() => chapter.expectsContinue(head)) };
      }),

    // 2.5: the machine reads

    /** Feeds a machine each list of pieces. `ends`: nothing follows the last one. */
    read: (deliveries: Uint8Array[][], { ends = false, limits = {} }: { ends?: boolean; limits?: Partial<Http.HttpLimits> } = {}) =>
      deliveries.map((pieces): MachineReading => {
        const connection = new chapter.HttpConnection({ role: 'server', limits });
        const parts: Buffer[] = [];
        const reading: Omit<MachineReading, 'body' | 'last' | 'left' | 'awaitsContinue'> = {};
        const drain = (): Outcome<string> =>
          outcome(() => {
            for (let turn = 0; turn < 100_000; turn++) {
              const event = connection.nextEvent();
              if (event?.type === 'request') {
                const { method, target, form, httpVersion, headers } = event;
                reading.head = { method, target, form, httpVersion, fields: pairsOf(headers) };
              } else if (event?.type === 'data') parts.push(Buffer.from(event.data));
              else if (event?.type === 'end') reading.trailers = pairsOf(event.trailers);
              else if (event?.type === undefined) throw new WrongResult(`nextEvent must return an event; it returned ${String(event)}`);
              else return event.type;
            }
            throw new WrongResult('nextEvent gave a hundred thousand events: what it gives out must be consumed');
          });
        let last: Outcome<string> = { accepted: 'need-more-data' };
        for (const piece of pieces) {
          connection.receiveData(piece);
          last = drain();
        }
        if (ends) {
          connection.receiveEof();
          last = drain();
        }
        const { awaitsContinue } = connection;
        return { ...reading, body: Buffer.concat(parts), last, left: Buffer.from(connection.takeInput()), awaitsContinue };
      }),

    /** What the machine does when it is asked again after a bad request, and when a good one follows it. */
    afterBadRequest: (bad: Uint8Array, good: Uint8Array) => {
      const connection = new chapter.HttpConnection({ role: 'server' });
      const next = (): Outcome<string> =>
        outcome(() => {
          for (let turn = 0; turn < 1000; turn++) {
            const { type } = connection.nextEvent();
            if (type !== 'data' && type !== 'end') return type;
          }
          throw new WrongResult('nextEvent gave a thousand events');
        });
      connection.receiveData(bad);
      let first = next();
      // A head that is whole, and a body that is not.
      if ('accepted' in first && first.accepted === 'request') first = next();
      const again = next();
      connection.receiveData(good);
      return { first, again, behind: next() };
    },

    // 2.6 and 2.7: the machine writes

    /** Gives a machine some bytes, lets it read as far as it goes, and has it send events. */
    write: (received: Uint8Array, events: Http.EventToSend[]): MachineWriting => {
      const connection = new chapter.HttpConnection({ role: 'server' });
      connection.receiveData(received);
      const read = outcome(() => {
        for (let turn = 0; turn < 1000; turn++) {
          const { type } = connection.nextEvent();
          if (type !== 'request' && type !== 'data' && type !== 'end') return type;
        }
        throw new WrongResult('nextEvent gave a thousand events');
      });
      if ('threw' in read) throw new WrongResult(`nextEvent threw ${read.threw}`);
      const bytesOf = (wire: Http.WireData): Buffer => (typeof wire === 'string' ? Buffer.from(wire, 'latin1') : Buffer.from(wire));
      const wire = events.map((event) => outcome(() => bytesOf(connection.send(event))));
      return { wire, ourState: connection.ourState, theirState: connection.theirState };
    },

    /** A request and its response; then what a response to nothing looks like, sent while the next request is awaited. */
    responseToNothing: (method: string, version: string) => {
      const connection = new chapter.HttpConnection({ role: 'server' });
      connection.receiveData(Buffer.from(`${method} / HTTP/${version}\r\nHost: a\r\nConnection: keep-alive\r\n\r\n`));
      while (connection.nextEvent().type !== 'end');
      connection.send({ type: 'response', status: 200, headers: [], body: 'hello' });
      const { ourState, theirState } = connection;
      const late = connection.send({ type: 'response', status: 408, headers: [], body: 'too late' });
      const wire = typeof late === 'string' ? late : Buffer.from(late).toString('latin1');
      return { ourState, theirState, wire };
    },

    /** What servers that listen elsewhere say about themselves, and how they end. */
    listenElsewhere: async (path: string) => {
      const local = await chapter.serveHttp(() => new chapter.HttpResponse(200, [], 'local'), { path });
      const answer = await new Promise<string>((resolve, reject) => {
        const socket = connect({ path }, () => socket.end('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'));
        let text = '';
        socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1'))).on('error', reject).on('close', () => resolve(text));
      });
      const seen = { address: local.address, origin: local.origin, answer, closing: local.closing };
      const taken = await chapter.serveHttp(() => new chapter.HttpResponse(200), { path }).then(() => 'listens', (error: unknown) => String((error as { code?: unknown }).code));
      const held = connect({ path });
      await new Promise((resolve) => held.once('connect', resolve).once('error', resolve));
      const gone = new Promise<void>((resolve) => void held.once('close', () => resolve()).on('error', () => {}).resume());
      held.write('GET / HTTP/1.1\r\nHo');
      const closed = local.close();
      await Promise.all([closed, gone]);
      return { ...seen, taken, closingThen: local.closing };
    },

    /** How many connections may wait to be accepted, as the kernel was told. */
    backlogOf: async (backlog?: number) => {
      const prototype = Object.getPrototypeOf(boundHandle()) as ServerHandle;
      const { listen } = prototype;
      let told = NaN;
      prototype.listen = function (this: ServerHandle, waiting: number) {
        told = waiting;
        return listen.call(this, waiting);
      };
      try {
        server = await chapter.serveHttp(() => new chapter.HttpResponse(200), { port: 0, ...(backlog === undefined ? {} : { backlog }) });
        return told;
      } finally {
        prototype.listen = listen;
      }
    },

    /** Serves on a socket that was opened by somebody else. */
    serveDescriptor: async (body: string) => {
      const handle = boundHandle();
      server = await chapter.serveHttp(() => new chapter.HttpResponse(200, [], body), { fd: handle.fd });
      held.push(handle);
      const name: { port?: number } = {};
      handle.getsockname(name);
      return { host: '127.0.0.1', port: name.port ?? 0 };
    },

    /** One exchange after another in the client's role: what was sent, and what was read out of the pieces. */
    asClient: (exchanges: { request: { method: string; target: string; headers: Pairs; body?: string }; pieces: Uint8Array[]; eof?: boolean }[]) => {
      const connection = new chapter.HttpConnection({ role: 'client' });
      return exchanges.map(({ request, pieces, eof = false }) =>
        outcome(() => {
          const wire = connection.send({ type: 'request', ...request });
          if (request.body === undefined) connection.send({ type: 'end' });
          const interim: number[] = [];
          const body: Buffer[] = [];
          let response: { status: number; reason: string; fields: Pairs } | undefined;
          let trailers: Pairs | undefined;
          const take = (): void => {
            for (let turn = 0; turn < 10_000 && trailers === undefined; turn++) {
              const event = connection.nextEvent();
              if (event.type === 'informational') interim.push(event.status);
              else if (event.type === 'response') response = { status: event.status, reason: event.reason, fields: pairsOf(event.headers) };
              else if (event.type === 'data') body.push(Buffer.from(event.data));
              else if (event.type === 'end') trailers = pairsOf(event.trailers);
              else return;
            }
          };
          for (const piece of pieces) {
            connection.receiveData(piece);
            take();
          }
          if (eof) {
            connection.receiveEof();
            take();
          }
          return { sent: typeof wire === 'string' ? wire : Buffer.from(wire).toString('latin1'), interim, response, body: Buffer.concat(body), trailers, persists: connection.ourState === 'idle' };
        }),
      );
    },

    // 2.8 and later: servers

    serve: async (setup: ServeSetup) => await start(handlerOf(setup), setup),

    /** The site of 2.13, and beside it a route that throws. */
    serveSite: async () => {
      const { site } = chapter;
      if (typeof site !== 'function') throw new WrongResult('site must be a handler: a function');
      return await start((request) => {
        if (request.target === '/throws') throw new Error(SECRET);
        if (request.target === '/rejects') return Promise.reject(new Error(SECRET));
        return site(request);
      }, {});
    },

    calls: () => calls,
    counters: () => counters,
    errors: () => errors,
    connections: () => running().connections,
    release: (name: string) => gate(name).open(),

    shiftClock,

    /** Calls closeGracefully and returns at once. */
    beginClose: (deadlineMs: number, idleMs?: number) => {
      closeState = 'pending';
      closing = Promise.resolve(running().closeGracefully({ deadlineMs, ...(idleMs === undefined ? {} : { idleMs }) }));
      closing.then(
        () => (closeState = 'resolved'),
        (error: unknown) => (closeState = `rejected: ${String(error)}`),
      );
      return 'called';
    },
    closeState: () => closeState,
    awaitClose: async () => {
      await closing;
      return 'resolved';
    },
    activeTimers: () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout'),
  };
});
