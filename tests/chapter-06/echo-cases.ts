/** The cases of cases/ over the wire: each on a connection of its own, many at a time. */
import { firstDifference } from '#support/bytes.ts';
import { check } from '#support/failure.ts';
import type { Address } from '#support/tcp-client.ts';
import { bytesOf, compareOutput } from './cases/index.ts';
import type { FrameCase, Reply } from './cases/index.ts';
import { FrameClient, hex, showFrames } from './frame-client.ts';
import type { FrameWorld } from './frame-client.ts';

const AT_A_TIME = 24;

/** Runs cases against an echo server; the first that is not as it should be is the failure. */
export async function runCases(world: FrameWorld, server: Address, cases: readonly FrameCase[], how = ''): Promise<void> {
  for (let at = 0; at < cases.length; at += AT_A_TIME) {
    const outcomes = await Promise.allSettled(cases.slice(at, at + AT_A_TIME).map(async (frameCase) => await runCase(world, server, frameCase, how)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason as unknown;
  }
}

async function runCase(world: FrameWorld, server: Address, frameCase: FrameCase, how: string): Promise<void> {
  const frames = frameCase.frames();
  const sent = `${frameCase.title}${how}: ${showFrames(frames)}`;
  const client = await FrameClient.open(world, server);
  client.send(...frames);
  await client.untilClosed(sent, expectation(frameCase));
  const { output } = client;
  const replies = asAnswered(repliesOf(frameCase), output.replies);
  const wrong = differenceIn(replies, output.replies) ?? compareOutput({ ...frameCase, replies }, output);
  check(wrong === null, { sent, received: `${wrong}; what came is ${hex(client.bytes)}`, expected: expectation(frameCase) });
}

/**
 * The replies of a case, as this server may give them: of several pings the newest alone may be answered (RFC 6455
 * §5.5.3), and with a pong there is time until the frames that came together have been read (§5.5.2). Where the pongs are
 * others than these, the replies are as they were.
 */
function asAnswered(expected: readonly Reply[], given: readonly Reply[]): readonly Reply[] {
  const pongs = expected.filter(({ type }) => type === 'pong');
  const messages = expected.filter(({ type }) => type !== 'pong');
  const replies: Reply[] = [];
  let answered = -1;
  for (const { type, data } of given) {
    if (type === 'pong') {
      answered = pongs.findIndex((pong, index) => index > answered && bytesOf(pong.data).equals(bytesOf(data)));
      if (answered === -1) return expected;
      replies.push(pongs[answered]!);
    } else {
      const message = messages.shift();
      if (message === undefined) return expected;
      replies.push(message);
    }
  }
  return answered === pongs.length - 1 ? [...replies, ...messages] : expected;
}

function repliesOf({ replies }: FrameCase): readonly Reply[] {
  return typeof replies === 'function' ? replies() : replies;
}

/** Where a reply of the right length has a wrong byte. */
function differenceIn(expected: readonly Reply[], given: readonly Reply[]): string | null {
  for (const [i, reply] of expected.entries()) {
    const [wanted, came] = [bytesOf(reply.data), bytesOf(given[i]?.data ?? '')];
    const at = wanted.length === came.length ? firstDifference(came, wanted) : undefined;
    if (at !== undefined) return `byte ${at + 1} of reply ${i + 1} is ${hex(came.subarray(at, at + 1))} and should be ${hex(wanted.subarray(at, at + 1))}`;
  }
  return null;
}

function expectation(frameCase: FrameCase): string {
  const expected = repliesOf(frameCase);
  const first = expected.length === 0 ? '' : `${expected.slice(0, 3).map(({ type }) => type).join(', ')}${expected.length > 3 ? ' …' : ''}, and then `;
  return `${first}a Close frame with ${frameCase.close.join(' or ')}`;
}

/** Cases whose numbers begin like this, in a group. */
export function numbered(cases: readonly FrameCase[], ...beginnings: readonly string[]): FrameCase[] {
  return cases.filter(({ id }) => beginnings.some((beginning) => id === beginning || id.startsWith(`${beginning}.`)));
}

/** The cases that a server answers, and those that it must refuse. */
export function answeredOf(cases: readonly FrameCase[]): FrameCase[] {
  return cases.filter(({ close }) => close[0] === 1000);
}

export function refusedOf(cases: readonly FrameCase[]): FrameCase[] {
  return cases.filter(({ close }) => close[0] !== 1000);
}

/** The same case with more codes that are as good. */
export function orCode(code: number): (frameCase: FrameCase) => FrameCase {
  return (frameCase) => ({ ...frameCase, close: [...frameCase.close, code] });
}
