/**
 * Fuzzes the HttpConnection of a tree, in this process.
 *
 *     node tests/chapter-02/fuzz.ts [--subject solutions] [--seed N] [--count N]
 *
 * Requests are generated, some of them changed at random, and fed three ways:
 * whole, byte by byte, and cut anywhere. Whatever the bytes, `nextEvent` gives the
 * same events each time, throws nothing but a RemoteProtocolError or an HttpError
 * with a status, and comes to an end. Prints the seed and, for a failure, the
 * smallest input found that still fails. Exit code 1 for a failure, 2 for wrong arguments.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type * as Http from '#subject/02-http/index.ts';
import { showBytes } from '#support/bytes.ts';
import { Random } from '#support/random.ts';

type Module = typeof Http;

/** More events than any input of ours can mean: beyond that, it is a loop. */
const EVENTS_PER_BYTE = 4;
const EVENTS_SPARE = 100;
/** Only a loop takes this long: in milliseconds of a core, not of the clock, which a busy machine stretches. */
const HANG_CPU_MS = 2000;
const MINIMIZE_MS = 3000;

const METHODS = ['GET', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'BREW', 'CONNECT', 'get'];
const TARGETS = ['/', '/a?b=c', '*', 'http://a.example/x', 'a.example:80', '/%zz', '//x', '/caf\xe9', 'ftp://a/', ''];
const VERSIONS = ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/0.9', 'http/1.1', ''];
const FIELDS = [
  'Host: a', 'Host: a', 'Host: a', 'Host:', 'Host: a/b', 'Connection: close', 'Connection: keep-alive', 'Connection: upgrade, x', 'Content-Length: 3',
  'Content-Length: 0', 'Content-Length: +3', 'Content-Length: 3, 3', 'Content-Length: 99999999999999999999', 'Transfer-Encoding: chunked', 'Transfer-Encoding: gzip',
  'Transfer-Encoding: chunked, chunked', 'Expect: 100-continue', 'Expect: x', 'X: y', 'X : y', ' folded', 'X: \0', 'no colon', ': v', 'X: caf\xe9', 'Upgrade: x', 'Trailer: X',
];
/** Tokens of the grammar, and what breaks it. */
const SPICE = ['\r', '\n', '\r\n', '\r\n\r\n', '\0', ' ', '\t', ':', ';', '"', ',', '0', '0\r\n\r\n', 'ffffffff', 'ffffffffffffffffff', '\xff', '\x0b', '-1', '+1', '0x1', 'chunked', 'HTTP/1.1', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'];

function chunkedBody(random: Random): string {
  let body = '';
  for (let chunks = random.integer(0, 4); chunks > 0; chunks--) {
    const data = random.bytes(random.integer(1, 30)).toString('latin1');
    const extension = random.pick(['', '', '', ';a', ';a=b', ';a="b;c"', ' ; a', ';a="\n"']);
    body += `${data.length.toString(16)}${extension}\r\n${data}\r\n`;
  }
  return `${body}0\r\n${random.pick(['', '', 'X-Sum: 1\r\n', 'Content-Length: 3\r\n', 'X : 1\r\n'])}\r\n`;
}

/** One request, mostly right. */
function request(random: Random): string {
  const plain = random.integer(0, 2) > 0;
  const method = plain ? random.pick(['GET', 'POST']) : random.pick(METHODS);
  const line = plain ? `${method} /${random.word()} HTTP/1.1` : `${method} ${random.pick(TARGETS)} ${random.pick(VERSIONS)}`;
  const fields = plain ? ['Host: a'] : Array.from({ length: random.integer(0, 5) }, () => random.pick(FIELDS));
  let body = '';
  switch (random.integer(0, 3)) {
    case 0:
      body = random.bytes(random.integer(0, 40)).toString('latin1');
      fields.push(`Content-Length: ${body.length}`);
      break;
    case 1:
      body = chunkedBody(random);
      fields.push('Transfer-Encoding: chunked');
      break;
    default:
  }
  return `${random.integer(0, 9) === 0 ? '\r\n' : ''}${line}\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n${body}`;
}

/** Changes a few bytes: something out, something in, something twice. */
function mutate(random: Random, text: string): string {
  let bytes = text;
  for (let times = random.integer(1, 4); times > 0; times--) {
    const at = random.integer(0, bytes.length);
    const length = random.integer(0, 6);
    switch (random.integer(0, 4)) {
      case 0:
        bytes = bytes.slice(0, at) + bytes.slice(at + length);
        break;
      case 1:
        bytes = bytes.slice(0, at) + random.pick(SPICE) + bytes.slice(at);
        break;
      case 2:
        bytes = bytes.slice(0, at) + random.pick(SPICE) + bytes.slice(at + 1);
        break;
      case 3:
        bytes = bytes.slice(0, at) + String.fromCharCode(random.integer(0, 255)) + bytes.slice(at + 1);
        break;
      default:
        bytes = bytes.slice(0, at) + bytes.slice(at, at + length).repeat(random.integer(1, 40)) + bytes.slice(at);
    }
  }
  return bytes;
}

function input(random: Random): Buffer {
  if (random.integer(0, 19) === 0) return random.bytes(random.integer(0, 300));
  let text = Array.from({ length: random.integer(1, 4) }, () => request(random)).join('');
  if (random.integer(0, 2) > 0) text = mutate(random, text);
  if (random.integer(0, 30) === 0) text = text.replace('Host: a', `Host: a\r\nX: ${'x'.repeat(random.integer(1000, 30_000))}`);
  return Buffer.from(text, 'latin1');
}

class Fault extends Error {}

/** The events of one delivery, data joined, so that deliveries can be compared. */
function eventsOf(http: Module, pieces: readonly Buffer[], eof: boolean): string[] {
  const connection = new http.HttpConnection({ role: 'server' });
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const events: string[] = [];
  let data: Buffer[] = [];
  let budget = length * EVENTS_PER_BYTE + pieces.length * 4 + EVENTS_SPARE;
  let over = false;
  let ended = false;
  const note = (text: string): void => {
    if (data.length > 0) events.push(`data ${Buffer.concat(data).toString('latin1')}`);
    data = [];
    events.push(text);
  };
  const drain = (): void => {
    while (!over) {
      if (budget-- <= 0) throw new Fault('nextEvent gives events without end');
      let event: Http.ReceivedEvent;
      try {
        event = connection.nextEvent();
      } catch (error) {
        if (!(error instanceof http.RemoteProtocolError || error instanceof http.HttpError)) throw new Fault(`nextEvent threw ${error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : String(error)}`);
        if (!(error.status >= 400 && error.status <= 599)) throw new Fault(`nextEvent refused with the status ${error.status}`);
        note(`refused ${error.status}`);
        over = true;
        staysDead(http, connection, error.status, ended);
        return;
      }
      switch (event.type) {
        case 'need-more-data':
          return;
        case 'data':
          if (event.data.length === 0) throw new Fault('an event without data');
          data.push(Buffer.from(event.data));
          break;
        case 'request':
          note(`request ${JSON.stringify([event.method, event.target, event.form, event.httpVersion, event.framing, [...event.headers]])}`);
          break;
        case 'end':
          note(`end ${JSON.stringify([...event.trailers])}`);
          respond(http, connection, note);
          break;
        case 'paused':
          // Every request has been answered by now, so the connection is done.
          note('paused');
          over = true;
          break;
        case 'closed':
          note('closed');
          over = true;
          break;
        default:
          throw new Fault(`a server was told about ${event.type}`);
      }
    }
  };
  for (const piece of pieces) {
    if (over) break;
    connection.receiveData(piece);
    drain();
  }
  if (eof && !over) {
    ended = true;
    connection.receiveEof();
    drain();
  }
  if (data.length > 0) note('(unfinished)');
  return events;
}

function respond(http: Module, connection: Http.HttpConnection, note: (text: string) => void): void {
  try {
    connection.send({ type: 'response', status: 200, headers: [], body: 'x' });
  } catch (error) {
    if (!(error instanceof http.LocalProtocolError)) throw new Fault(`send threw ${String(error)}`);
    note('cannot answer');
  }
}

function staysDead(http: Module, connection: Http.HttpConnection, status: number, ended: boolean): void {
  if (!ended) connection.receiveData(Buffer.from('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'));
  for (let again = 0; again < 3; again++) {
    try {
      const event = connection.nextEvent();
      throw new Fault(`after a refusal, nextEvent gave ${event.type}`);
    } catch (error) {
      if (error instanceof Fault) throw error;
      if (!(error instanceof http.RemoteProtocolError || error instanceof http.HttpError) || error.status !== status) throw new Fault(`after a refusal with ${status}, nextEvent threw ${String(error)}`);
    }
  }
}

/** What is wrong with an input; undefined if nothing is. */
function faultOf(http: Module, bytes: Buffer, random: Random): string | undefined {
  const started = cpuMs();
  const single = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
  // `receiveData` keeps the memory, so each delivery has its own.
  const deliveries: [string, Buffer[]][] = [['whole', [bytes]], ['byte by byte', single], ['cut anywhere', random.pieces(bytes, 20)], ['cut in two', cutInTwo(bytes, random)]];
  let first: string[] | undefined;
  for (const [way, pieces] of deliveries) {
    let events: string[];
    try {
      events = eventsOf(http, pieces.map((piece) => Buffer.from(piece)), true);
    } catch (error) {
      if (error instanceof Fault) return `${way}: ${error.message}`;
      return `${way}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    }
    if (cpuMs() - started > HANG_CPU_MS) return `${way}: it took more than ${HANG_CPU_MS} ms of a core`;
    first ??= events;
    const at = events.findIndex((event, index) => event !== first?.[index]);
    if (at >= 0 || events.length !== first.length) {
      const index = at >= 0 ? at : events.length;
      return `event ${index + 1} depends on how the bytes are cut:\n    whole: ${clip(first[index])}\n    ${way}: ${clip(events[index])}`;
    }
  }
  return undefined;
}

/** What this process has used of the machine's cores. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const clip = (event: string | undefined): string => (event === undefined ? 'no further event' : showBytes(Buffer.from(event, 'latin1'), 200));

function cutInTwo(bytes: Buffer, random: Random): Buffer[] {
  const cut = random.integer(0, bytes.length);
  return [bytes.subarray(0, cut), bytes.subarray(cut)].filter((piece) => piece.length > 0);
}

/** Takes away what is not needed for the failure: halves first, single bytes last. */
function minimize(http: Module, bytes: Buffer): Buffer {
  const fails = (candidate: Buffer): boolean => [1, 2, 3].some((seed) => faultOf(http, candidate, new Random(seed)) !== undefined);
  const started = performance.now();
  let smallest = bytes;
  for (let size = Math.ceil(bytes.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < smallest.length && performance.now() - started < MINIMIZE_MS; ) {
      const candidate = Buffer.concat([smallest.subarray(0, start), smallest.subarray(start + size)]);
      if (fails(candidate)) smallest = candidate;
      else start += size;
    }
  }
  return fails(smallest) ? smallest : bytes;
}

function wrongUse(message: string): never {
  console.error(message);
  process.exit(2);
}

function options(): { subject: string; seed: number; count: number } {
  try {
    const { values } = parseArgs({ options: { subject: { type: 'string' }, seed: { type: 'string' }, count: { type: 'string' } } });
    const number = (name: 'seed' | 'count', otherwise: number): number => {
      const text = values[name];
      if (text === undefined) return otherwise;
      if (!/^\d{1,9}$/.test(text)) wrongUse(`--${name} takes a whole number; it was ${text}`);
      return Number(text);
    };
    return { subject: values.subject ?? 'solutions', seed: number('seed', Math.floor(Math.random() * 1_000_000)), count: number('count', 3000) };
  } catch (error) {
    return wrongUse(`${error instanceof Error ? error.message : String(error)}\nusage: node tests/chapter-02/fuzz.ts [--subject solutions] [--seed N] [--count N]`);
  }
}

async function main(): Promise<void> {
  const { subject, seed, count } = options();
  const tree = existsSync(subject) ? resolve(subject) : join(fileURLToPath(new URL('../../', import.meta.url)), subject);
  const index = join(tree, '02-http', 'index.ts');
  if (!existsSync(index)) wrongUse(`${index} is not there`);
  const http = (await import(pathToFileURL(index).href)) as Module;
  console.log(`fuzzing ${subject}/02-http: ${count} inputs, seed ${seed}`);
  const started = performance.now();
  for (let number = 1; number <= count; number++) {
    const random = new Random(`${seed} ${number}`);
    const bytes = input(random);
    const fault = faultOf(http, bytes, random);
    if (fault === undefined) continue;
    const smallest = minimize(http, bytes);
    const why = [1, 2, 3].map((again) => faultOf(http, smallest, new Random(again))).find((found) => found !== undefined) ?? fault;
    console.log(`input ${number} of seed ${seed} fails, ${smallest.length} of ${bytes.length} bytes are enough:`);
    console.log(`  ${showBytes(smallest, 400)}`);
    console.log(`  ${JSON.stringify(smallest.subarray(0, 2000).toString('latin1'))} (latin1)`);
    console.log(`  ${why}`);
    console.log(`again: node tests/chapter-02/fuzz.ts --subject ${subject} --seed ${seed} --count ${number}`);
    process.exitCode = 1;
    return;
  }
  console.log(`no failure in ${count} inputs, ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

await main();
