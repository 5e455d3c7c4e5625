/**
 * Wire vectors against a running server: each delivered whole, byte by byte and
 * cut at boundaries, all of them at the same time, and judged by how many
 * replies came, which, how the connection ended and what the handler saw.
 */
import { showBytes } from '#support/bytes.ts';
import { check, CheckFailure } from '#support/failure.ts';
import { readResponse, saysClose } from '#support/http-response.ts';
import { HttpFault } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address, TcpClient } from '#support/tcp-client.ts';
import type { Call } from './driver.ts';
import { bytesOf, loadVectors, ruleOf } from './vectors.ts';
import type { Vector, VectorBytes } from './vectors.ts';
import type { TestWorld } from './wire.ts';

export interface WireVector extends Vector {
  bytes: VectorBytes;
  /** The calls that the handler sees: method, target, and the body if there is one. */
  accepted?: string[];
  /** The calls before the refusal, which are answered. */
  before?: string[];
  /** The head is right, so the handler may be called before the body is refused. */
  headIsGood?: boolean;
  /** The message is understood, only not wanted: the connection may go on after it. */
  mayGoOn?: boolean;
}

interface Trial {
  vector: WireVector;
  way: string;
  pieces: Buffer[];
  client: TcpClient;
  /** The client's own port; a socket that is closed does not know it any more. */
  port: number | undefined;
}

/** Sent after a request that has to be refused. */
const SMUGGLED = Buffer.from('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n');
/** Sent after requests that have to be accepted. */
const LAST = Buffer.from('GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
const BYTEWISE_MAX = 400;
const CUTS = 5;

function waysOf(world: TestWorld, vector: WireVector): [way: string, pieces: Buffer[]][] {
  const { random } = world;
  const own = bytesOf(vector.bytes);
  const bytes = Buffer.concat([own, vector.accepted === undefined ? SMUGGLED : LAST]);
  const ways: [string, Buffer[]][] = [['in one packet', [bytes]]];
  if (bytes.length > BYTEWISE_MAX) return [...ways, ['in pieces', random.pieces(bytes, Math.ceil(bytes.length / 12))]];
  ways.push(['byte by byte', Array.from(bytes, (_, index) => bytes.subarray(index, index + 1))]);
  for (const cut of random.shuffle(Array.from({ length: own.length }, (_, index) => index + 1)).slice(0, CUTS)) {
    ways.push([`cut after byte ${cut}`, [bytes.subarray(0, cut), bytes.subarray(cut)]]);
  }
  return ways;
}

/** Delivers the vectors of some groups in every way and judges each. */
export async function tryVectors(world: TestWorld, server: Address, ...groups: string[]): Promise<void> {
  const trials: Trial[] = loadVectors<WireVector>('wire', ...groups).flatMap((vector) =>
    waysOf(world, vector).map(([way, pieces]) => ({ vector, way, pieces, client: world.client(server), port: undefined })),
  );
  await Promise.all(
    trials.map(async (trial) => {
      trial.port = (await trial.client.connected()).localPort;
    }),
  );
  // A port may have been another connection's before.
  const earlier = (await world.call('calls')).length;
  await deliver(world, trials);
  await Promise.all(trials.map(async (trial) => await isOver(trial)));
  const calls = new Map<number, Call[]>();
  for (const call of (await world.call('calls')).slice(earlier)) calls.set(call.port, [...(calls.get(call.port) ?? []), call]);
  for (const trial of trials) judgeTrial(trial, calls.get(trial.port ?? -1) ?? []);
}

/** The first piece of each, then the second of each: the server reads one before the next is sent. */
async function deliver(world: TestWorld, trials: readonly Trial[]): Promise<void> {
  const most = Math.max(...trials.map(({ pieces }) => pieces.length));
  for (let round = 0; round < most; round++) {
    for (const { client, pieces } of trials) {
      const piece = pieces[round];
      if (piece && !client.closed) client.write(piece);
    }
    await world.settle();
  }
}

/** Waits for the end of the connection; if it stays open, the verdict says so. */
async function isOver({ vector, way, client }: Trial): Promise<void> {
  try {
    await client.until(() => client.ended || client.closed);
  } catch (error) {
    if (!(error instanceof CheckFailure) || error.report.kind === 'silent') return;
    throw new CheckFailure({ ...error.report, sent: `${showBytes(bytesOf(vector.bytes))} ${way}  [${vector.id}]`, expected: `an answer: ${ruleOf(vector)}` });
  }
}

interface Seen {
  responses: HttpTestResponse[];
  fault?: HttpFault;
  leftOver: Buffer;
}

/** The final responses that came; the methods do not matter, since no vector asks with HEAD. */
function responsesOf(client: TcpClient): Seen {
  const responses: HttpTestResponse[] = [];
  let at = 0;
  try {
    while (at < client.receivedBytes) {
      const found = readResponse(client.received, at, 'GET', client.ended);
      if ('incomplete' in found) break;
      at = found.end;
      if (found.status >= 200) responses.push(found);
    }
  } catch (error) {
    if (error instanceof HttpFault) return { responses, fault: error, leftOver: client.received.subarray(at) };
    throw error;
  }
  return { responses, leftOver: client.received.subarray(at) };
}

const showCall = ({ method, target, body }: Call): string => `${method} ${target}${body === '' ? '' : ` ${body}`}`;

function judgeTrial({ vector, way, client }: Trial, calls: readonly Call[]): void {
  const bytes = bytesOf(vector.bytes);
  const sent = `${showBytes(bytes, 72)} ${way}, and ${vector.accepted === undefined ? 'GET /smuggled' : 'GET /last'} after it  [${vector.id}]`;
  const { responses, fault, leftOver } = responsesOf(client);
  if (fault) throw new CheckFailure({ kind: 'wrong bytes', sent, expected: fault.rule, ...fault.show(client.received) });
  const ending = client.reset ? 'a reset (RST)' : client.ended ? 'FIN' : 'the connection stays open';
  const statuses = responses.map(({ status }) => status);
  const replies = `${responses.length === 0 ? 'no reply' : `${responses.length === 1 ? '1 reply' : `${responses.length} replies`}: ${statuses.join(', ')}`}${leftOver.length > 0 ? ` and ${showBytes(leftOver, 30)}` : ''}, then ${ending}`;
  const complete = calls.filter((call) => call.complete).map(showCall);
  const served = complete.length > 0 ? `; served: ${complete.map((call) => showBytes(Buffer.from(call, 'latin1'), 30)).join(', ')}` : '';
  const received = `${replies}${served}`;

  const acceptedCalls = [...(vector.accepted ?? []), 'GET /last'];
  const accepted =
    vector.accepted !== undefined &&
    statuses.length === acceptedCalls.length &&
    statuses.every((status) => status === 200) &&
    client.ended &&
    leftOver.length === 0 &&
    calls.length === acceptedCalls.length &&
    acceptedCalls.every((call, index) => call === complete[index]);
  if (accepted) return;

  const before = vector.before ?? [];
  const last = responses.at(-1);
  const allowedCalls = before.length + (vector.headIsGood ? 1 : 0);
  const refused =
    vector.refused !== undefined &&
    statuses.length === before.length + 1 &&
    statuses.slice(0, -1).every((status) => status === 200) &&
    last !== undefined &&
    vector.refused.includes(last.status) &&
    saysClose(last) &&
    (client.ended || client.closed) &&
    leftOver.length === 0 &&
    before.every((call, index) => call === complete[index]) &&
    complete.length === before.length &&
    calls.length <= allowedCalls;
  if (refused) return;

  const wentOn =
    vector.mayGoOn === true &&
    statuses.length === 2 &&
    vector.refused?.includes(statuses[0] as number) === true &&
    statuses[1] === 200 &&
    leftOver.length === 0 &&
    complete.length === 1 &&
    complete[0] === 'GET /smuggled';
  if (wentOn) return;

  const expected: string[] = [];
  if (vector.accepted !== undefined) expected.push(`${acceptedCalls.length} times 200, for ${acceptedCalls.map((call) => showBytes(Buffer.from(call, 'latin1'), 30)).join(', ')}, then FIN`);
  if (vector.refused !== undefined) {
    expected.push(`${before.length > 0 ? `${before.length} times 200, then ` : ''}${vector.refused.join(' or ')} with Connection: close, then FIN; nothing after it served`);
  }
  let likely: string | undefined;
  if (vector.refused !== undefined && complete.some((call) => call.startsWith('GET /smuggled'))) likely = 'what came after the bad request was served: that is request smuggling';
  else if (vector.refused !== undefined && last !== undefined && vector.refused.includes(last.status) && !saysClose(last)) likely = 'the status is right, but the response does not say Connection: close';
  else if (client.reset && responses.length === 0) likely = 'the socket was destroyed before the client could read the answer; end it and let it linger (RFC 9112 §9.6)';
  check(false, { sent, received, expected: `${expected.join(', or ')}: ${ruleOf(vector)}`, ...(likely === undefined ? {} : { likely }) });
}
