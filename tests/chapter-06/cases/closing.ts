/**
 * 7: the closing handshake, and what a Close frame may say.
 */

import { close, continuation, failed, ping, text, textReply } from './frames.ts';
import type { Frame, FrameCase, Reply } from './frames.ts';

const HANDSHAKE = 'RFC 6455 §5.5.1';
const CODES = 'RFC 6455 §7.4';

function closed(
  id: string, title: string, section: string, frames: readonly Frame[], codes: readonly number[], replies: readonly Reply[] = [],
): FrameCase {
  return { id, title, section, frames: () => frames, replies, close: codes };
}

const long = 'BAsd7&jh23'.repeat(26 * 1024);

/** RFC 6455 §7.4.1, and those of IANA's registry that came later. */
const rightCodes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
const wrongCodes = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999];

export const closingCases: readonly FrameCase[] = [
  closed('7.1.1', 'a text, then Close', HANDSHAKE, [text('Hello World!'), close(1000)], [1000, 1005], [textReply('Hello World!')]),
  closed('7.1.2', 'a second Close frame is not answered', HANDSHAKE, [close(1000), close(1000)], [1000, 1005]),
  closed('7.1.3', 'a ping after Close is not answered', HANDSHAKE, [close(1000), ping('late')], [1000, 1005]),
  closed('7.1.4', 'a text after Close is not a message', HANDSHAKE, [close(1000), text('Hello World!')], [1000, 1005]),
  closed('7.1.5', 'a message that Close cuts off', HANDSHAKE,
    [text('fragment1', false), close(1000), continuation('fragment2')], [1000, 1005]),
  closed('7.1.6', 'a text of 260 KB, Close, and a ping', HANDSHAKE, [text(long), close(1000), ping()], [1000, 1005], [textReply(long)]),
  closed('7.3.1', 'Close without a payload', HANDSHAKE, [close()], [1000, 1005]),
  closed('7.3.2', 'Close with half a code', HANDSHAKE, [{ opcode: 8, payload: 'a' }], [1002]),
  closed('7.3.3', 'Close with a code', HANDSHAKE, [close(1000)], [1000, 1005]),
  closed('7.3.4', 'Close with a code and a reason', HANDSHAKE, [close(1000, 'Hello World!')], [1000, 1005]),
  closed('7.3.5', 'Close with the longest reason, 123 bytes', HANDSHAKE, [close(1000, '*'.repeat(123))], [1000, 1005]),
  closed('7.3.6', 'Close with a reason of 124 bytes', 'RFC 6455 §5.5', [close(1000, '*'.repeat(124))], [1002]),
  failed('7.5.1', 'a reason that is not UTF-8', HANDSHAKE,
    [close(1000, Buffer.from('cebae1bdb9cf83cebcceb5eda080656469746564', 'hex'))], 1007),
  ...rightCodes.map((code, i) => closed(`7.7.${i + 1}`, `Close with ${code}`, CODES, [close(code)], [code, 1000, 1005])),
  ...wrongCodes.map((code, i) => failed(`7.9.${i + 1}`, `Close with ${code}, which must not be sent`, CODES, [close(code)], 1002)),
  failed('7.13.1', 'Close with 5000: beyond all ranges (our policy: refused)', 'RFC 6455 §7.4.2', [close(5000)], 1002),
  failed('7.13.2', 'Close with 65535: beyond all ranges (our policy: refused)', 'RFC 6455 §7.4.2', [close(65535)], 1002),
];
