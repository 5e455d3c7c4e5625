/**
 * 5: fragmented messages, and control frames between their fragments. 10: a long message in many fragments.
 */

import { answered, continuation, failed, fragments, ping, pongReply, text, textReply } from './frames.ts';
import type { Frame, FrameCase } from './frames.ts';

const SECTION = 'RFC 6455 §5.4';
const CONTROL = 'RFC 6455 §5.5';
const two: readonly Frame[] = [text('fragment1', false), continuation('fragment2')];
const twoReply = textReply('fragment1fragment2');
const pinged: readonly Frame[] = [text('fragment1', false), ping('ping payload'), continuation('fragment2')];
const five: readonly Frame[] = [
  text('fragment1', false),
  continuation('fragment2', false),
  ping('ping one'),
  continuation('fragment3', false),
  continuation('fragment4', false),
  ping('ping two'),
  continuation('fragment5'),
];
const fiveReplies = [pongReply('ping one'), pongReply('ping two'), textReply('fragment1fragment2fragment3fragment4fragment5')];

/** Whether a continuation that continues nothing ends the message or not, it must not be there. */
function nothingToContinue(ids: readonly string[], fin: boolean): FrameCase[] {
  return ids.map((id) => failed(id, `a continuation with FIN ${fin ? 'set' : 'clear'} where there is nothing to continue`,
    SECTION, [continuation('nothing before', fin), text(' Hello, world!')], 1002));
}

function repeatedly(id: string, fin: boolean): FrameCase {
  const round = [continuation('fragment1', fin), text('fragment2', false), continuation('fragment3')];
  return failed(id, `nothing to continue, FIN ${fin ? 'set' : 'clear'}, with fragments after it, twice`, SECTION,
    [...round, ...round], 1002);
}

export const fragmentCases: readonly FrameCase[] = [
  failed('5.1', 'a ping in two fragments', CONTROL, [{ ...ping('fragment1'), fin: false }, continuation('fragment2')], 1002),
  failed('5.2', 'a pong in two fragments', CONTROL,
    [{ opcode: 10, payload: 'fragment1', fin: false }, continuation('fragment2')], 1002),
  answered('5.3', 'a text in two fragments', SECTION, () => two, [twoReply]),
  answered('5.4', 'a text in two fragments, one part a frame', SECTION, () => two, [twoReply], 15),
  answered('5.5', 'a text in two fragments, byte by byte', SECTION, () => two, [twoReply], 1),
  answered('5.6', 'a ping between two fragments is answered at once', SECTION, () => pinged, [pongReply('ping payload'), twoReply]),
  answered('5.7', 'a ping between two fragments, one part a frame', SECTION, () => pinged,
    [pongReply('ping payload'), twoReply], 15),
  answered('5.8', 'a ping between two fragments, byte by byte', SECTION, () => pinged, [pongReply('ping payload'), twoReply], 1),
  ...nothingToContinue(['5.9', '5.10', '5.11'], true),
  ...nothingToContinue(['5.12', '5.13', '5.14'], false),
  failed('5.15', 'nothing to continue, after a message in fragments', SECTION,
    [...two, continuation('fragment3', false), text('fragment4')], 1002, [twoReply]),
  repeatedly('5.16', false),
  repeatedly('5.17', true),
  failed('5.18', 'a second fragment that is called a text', SECTION, [text('fragment1', false), text('fragment2')], 1002),
  answered('5.19', 'a text in five fragments with two pings between them', SECTION, () => five, fiveReplies),
  answered('5.20', 'a text in five fragments with two pings, in parts of seven bytes', SECTION, () => five, fiveReplies, 7),
];

export const autoFragmentCases: readonly FrameCase[] = [
  answered('10.1.1', 'a text of 65536 bytes in fragments of 1300', SECTION,
    () => fragments(1, '*'.repeat(65536), 1300), () => [textReply('*'.repeat(65536))]),
];
