import { isUtf8 } from 'node:buffer';
import { exercise } from '#support/exercise.ts';
import type { World } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { requestBytes } from '#support/http-client.ts';
import { expectStatus } from '#support/http-exchange.ts';
import type { Address } from '#support/tcp-client.ts';
import { binary, bytesOf, close, continuation, fragments, frameCases, ping, pong, sizeCasesBytesMax, sizeCasesFragmentsMax, text, wireBytesOf } from './cases/index.ts';
import type { Frame, FrameCase } from './cases/index.ts';
import type driver from './driver.ts';
import { answeredOf, numbered, orCode, refusedOf, runCases } from './echo-cases.ts';
import { FrameClient, handshakeFields, hex, showFrames } from './frame-client.ts';

type FramesWorld = World<typeof driver>;

const every: readonly FrameCase[] = Object.values(frameCases).flat();
const closing = numbered(every, '7');
const BYTE_BY_BYTE = { pieceBytes: 1 };
const byteByByte = ', byte by byte';

/** A frame's first bytes with the length in a form of choice, which no encoder would write. */
function head(first: number, form: 7 | 16 | 64, length: number | bigint, key: Buffer): Buffer {
  const long = Buffer.alloc(form === 7 ? 0 : form / 8);
  if (form === 16) long.writeUInt16BE(Number(length));
  else if (form === 64) long.writeBigUInt64BE(BigInt(length));
  const second = 0x80 | (form === 7 ? Number(length) : form === 16 ? 126 : 127);
  return Buffer.concat([Buffer.from([first, second]), long, key]);
}

/** Some text whose characters take one to four bytes, of at least this many bytes. */
function someText({ random }: FramesWorld, bytes: number): string {
  let made = '';
  while (Buffer.byteLength(made) < bytes) made += random.pick(['a', ' ', 'é', 'ß', 'κ', '字', '€', '\uffff', '😀', '𝄞', '\u{10ffff}']);
  return made;
}

/** Whether some bytes after these would make them a text. No more than three can be missing. */
function canBeText(bytes: Buffer, missing = 3): boolean {
  if (isUtf8(bytes)) return true;
  return missing > 0 && [0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf].some((byte) => canBeText(Buffer.concat([bytes, Buffer.from([byte])]), missing - 1));
}

/** How many bytes it takes until no text can begin like this; `null` where more of them could still make it right. */
function wrongAfter(bytes: Buffer): number | null {
  for (let length = 1; length <= bytes.length; length++) if (!canBeText(bytes.subarray(0, length))) return length;
  return null;
}

/** Sends bytes and waits for the Close frame that they must lead to. */
async function expectFailure(world: FramesWorld, server: Address, bytes: Buffer, codes: readonly number[], sent: string): Promise<void> {
  const client = await FrameClient.open(world, server);
  client.tcp.write(bytes);
  await client.expectClose(codes, sent);
}

exercise<typeof driver>('6.4', import.meta.url, (rule) => {
  rule(
    'short-messages',
    'reads a short frame',
    {
      rule: 'two bytes, four of the key, and the payload, each byte XORed with the key\'s byte at its place modulo four (RFC 6455 §5.2, §5.3)',
      likely: '`readHead` does not return true when the head is complete, or the payload is read from the wrong place',
    },
    async (world) => {
      const server = await world.call('serveFrames');
      const client = await FrameClient.open(world, server);
      const { random } = world;
      await client.expectEcho(1, 'Hello', 'a text of 5 bytes');
      for (let length = 0; length <= 125; length += random.integer(1, 20)) {
        await client.expectEcho(1, 'x'.repeat(length), `a text of ${length} bytes`);
        await client.expectEcho(2, random.word(length, length), `a binary message of ${length} bytes`);
      }
      await client.expectEcho(2, random.word(125, 125), 'a binary message of 125 bytes');
      await runCases(world, server, numbered(every, '1.1.1', '1.1.2'));
    },
  );

  rule(
    'binary-is-any-bytes',
    'takes any bytes in a binary message',
    {
      rule: 'a binary message is any bytes; what they mean is up to the applications (RFC 6455 §5.6)',
      likely: 'every payload is checked as if it were text',
    },
    async (world) => {
      const server = await world.call('serveFrames');
      const client = await FrameClient.open(world, server);
      const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      const messages = [Buffer.from([0xff]), Buffer.from([0xc3]), Buffer.from('eda080', 'hex'), all.subarray(128, 250), all.subarray(0, 100), world.random.bytes(100)];
      for (const message of messages) await client.expectEcho(2, message, `a binary message ${hex(message)}`);
      await client.expectEcho(1, 'text', 'a text after them');
    },
  );

  rule(
    'three-forms-of-length',
    'reads a length in one byte, in two and in eight',
    {
      rule: '126 says that the next two bytes are the length, and 127 that the next eight are; the highest byte comes first (RFC 6455 §5.2)',
      likely: 'the bytes are read in the wrong order, or as a number with a sign',
    },
    async (world) => {
      const limits = { frameBytesMax: 1 << 20, messageBytesMax: 1 << 20 };
      const server = await world.call('serveFrames', { limits });
      await runCases(world, server, numbered(every, '1.1', '1.2'));
      const client = await FrameClient.open(world, server);
      const { random } = world;
      for (const length of [126, 127, 128, 255, 256, 257, 32767, 32768, 65535, 65536, 65537, 70000, 131072, random.integer(126, 65535), random.integer(65536, 200000)]) {
        await client.expectEcho(2, random.bytes(length), `a binary message of ${length} bytes`);
      }
    },
  );

  rule(
    'in-any-pieces',
    'reads frames in whatever pieces they arrive',
    {
      rule: 'TCP has no messages: a frame may come byte by byte, and many in one piece (RFC 6455 §5.4 says it about fragments, TCP about everything)',
      likely: 'something is kept, or changed, before false is returned; or what lies after a frame is lost',
    },
    async (world) => {
      const { random } = world;
      const slow = await world.call('serveFrames', BYTE_BY_BYTE);
      await runCases(world, slow, numbered(every, '1.1.1', '1.1.2', '1.1.3', '1.1.4', '1.1.5', '1.2.1', '1.2.2', '1.2.3', '1.2.4', '1.2.5'), byteByByte);
      const server = await world.call('serveFrames');
      const messages = Array.from({ length: 40 }, () => random.bytes(random.pick([0, 1, 5, 125, 126, 300, 70000, random.integer(0, 2000)])));
      const client = await FrameClient.open(world, server);
      const bytes = client.encode(messages.map((message) => binary(message)));
      client.tcp.write(bytes);
      for (const [i, message] of messages.entries()) await client.expectReply(i, 2, message, '40 binary messages in one write');
      for (const address of [server, slow]) {
        const cut = await FrameClient.open(world, address);
        const few = messages.filter(({ length }) => length < 3000).slice(0, 12);
        await cut.tcp.writePieces(random.pieces(cut.encode(few.map((message) => binary(message))), 700));
        for (const [i, message] of few.entries()) await cut.expectReply(i, 2, message, '12 binary messages, cut at random places');
      }
    },
  );

  rule(
    'with-the-handshake',
    'reads a frame that came in one packet with the handshake',
    {
      rule: 'what lies after the request\'s empty line is the first frame (RFC 6455 §4.1, §5.1)',
      likely: 'the reader begins with an empty buffer and forgets what it was given first',
    },
    async (world) => {
      const server = await world.call('serveFrames');
      for (const whole of [true, false]) {
        const http = await world.http(server);
        const frame = Buffer.concat([head(0x81, 7, 2, Buffer.from([1, 2, 3, 4])), Buffer.from([0x68 ^ 1, 0x69 ^ 2])]);
        http.sendBytes(Buffer.concat([requestBytes('GET', '/', { fields: handshakeFields(world.random) }), whole ? frame : frame.subarray(0, 3)]));
        expectStatus(await http.response(), 101, 'a handshake and a frame after it');
        if (!whole) http.tcp.write(frame.subarray(3));
        const sent = `a handshake with ${whole ? 'a frame' : 'half a frame'} after it, the text "hi"`;
        await http.tcp.until(() => http.leftOver.length >= 4, { sent, expected: '81 02 68 69, the text' });
        check(hex(http.leftOver) === '81 02 68 69', { sent, received: hex(http.leftOver), expected: '81 02 68 69, the text' });
      }
    },
  );

  rule(
    'masked-or-not-at-all',
    'fails a client whose frames are not masked',
    {
      rule: 'a client masks every frame, and a server closes the connection with 1002 if one is not masked (RFC 6455 §5.1)',
      likely: 'MASKED is used to find the key, and nobody checks that it is set',
    },
    async (world) => {
      const server = await world.call('serveFrames');
      const unmasked = (first: number, payload: string | Buffer): Buffer => Buffer.concat([Buffer.from([first, bytesOf(payload).length]), bytesOf(payload)]);
      const cases: [string, Buffer][] = [
        ['a text of 5 bytes without a mask', unmasked(0x81, 'Hello')], ['a binary message of no bytes without a mask', unmasked(0x82, '')], ['a ping without a mask', unmasked(0x89, 'Hello')],
        ['a Close frame without a mask', unmasked(0x88, Buffer.from([3, 232]))], ['a text of 200 bytes without a mask', Buffer.concat([Buffer.from([0x81, 126, 0, 200]), Buffer.alloc(200, 'a')])],
      ];
      for (const [sent, bytes] of cases) await expectFailure(world, server, bytes, [1002], sent);
      const client = await FrameClient.open(world, server);
      await client.expectEcho(1, 'masked', 'a text that is masked');
      client.tcp.write(unmasked(0x81, 'naked'));
      await client.expectClose([1002], 'a text that is masked, and one that is not');
    },
  );

  rule(
    'shortest-form',
    'fails a length that is not in its shortest form',
    {
      rule: 'the shortest form MUST be used, and the highest bit of a length in eight bytes MUST be 0 (RFC 6455 §5.2); otherwise the code is 1002',
      likely: 'any form is accepted; 125 in two bytes, and 65535 in eight, are each one too small for their form',
    },
    async (world) => {
      const server = await world.call('serveFrames', { limits: { frameBytesMax: 1 << 20, messageBytesMax: 1 << 20 } });
      const { random } = world;
      const cases: [form: 16 | 64, length: number | bigint][] = [
        [16, 0], [16, 1], [16, 125], [16, random.integer(2, 124)], [64, 0], [64, 5], [64, 125], [64, 126], [64, 65535], [64, random.integer(127, 65534)],
        [64, 1n << 63n], [64, (1n << 63n) + 5n], [64, (1n << 63n) + 70000n], [64, (1n << 64n) - 1n],
      ];
      for (const [form, length] of cases) {
        const payload = Buffer.alloc(length <= 70000 ? Number(length) : 0);
        const bytes = Buffer.concat([head(0x82, form, length, random.bytes(4)), payload]);
        await expectFailure(world, server, bytes, [1002], `a binary message of ${length} bytes whose length is in ${form / 8} bytes: ${hex(bytes)}`);
      }
    },
  );

  rule(
    'reserved-bits',
    'fails a frame with a reserved bit',
    {
      rule: 'RSV1, RSV2 and RSV3 are 0, unless an extension that was agreed on gives them a meaning (RFC 6455 §5.2); otherwise the code is 1002',
      likely: '`#checkFirst` is not called, or not for control frames',
    },
    async (world) => {
      const server = await world.call('serveFrames');
      await runCases(world, server, numbered(every, '3'));
      await runCases(world, await world.call('serveFrames', BYTE_BY_BYTE), numbered(every, '3'), byteByByte);
      for (const rsv of [1, 2, 4]) {
        for (const frame of [text('a'), binary(''), ping(), pong(), close(1000)]) {
          const client = await FrameClient.open(world, server);
          client.send({ ...frame, rsv });
          await client.expectClose([1002], showFrames([{ ...frame, rsv }]));
        }
        const client = await FrameClient.open(world, server);
        client.send(text('a', false), { ...continuation('b'), rsv });
        await client.expectClose([1002], showFrames([text('a', false), { ...continuation('b'), rsv }]));
      }
    },
  );

  rule(
    'reserved-opcodes',
    'fails a frame whose opcode is reserved',
    {
      rule: 'the opcodes 3 to 7 and B to F are reserved: a frame with one of them fails the connection (RFC 6455 §5.2): 1002',
      likely: 'what is unknown is ignored',
    },
    async (world) => {
      const server = await world.call('serveFrames');
      await runCases(world, server, numbered(every, '4'));
      await runCases(world, await world.call('serveFrames', BYTE_BY_BYTE), numbered(every, '4'), byteByByte);
    },
  );

  rule(
    'control-frames-are-short',
    'fails a control frame that is long, or in fragments',
    {
      rule: 'a control frame has at most 125 bytes and MUST NOT be fragmented (RFC 6455 §5.5); otherwise the code is 1002',
      likely: 'the length is checked and FIN is not, or only pings are checked',
    },
    async (world) => {
      const server = await world.call('serveFrames');
      await runCases(world, server, numbered(every, '2.5', '5.1', '5.2', '7.3.6'));
      for (const opcode of [8, 9, 10]) {
        const name = showFrames([{ opcode, payload: '' }]);
        for (const length of [126, 127, 1000]) await expectFailure(world, server, Buffer.concat([head(0x80 | opcode, 16, length, Buffer.alloc(4)), Buffer.alloc(length, 3)]), [1002], `${name} of ${length} bytes`);
        await expectFailure(world, server, Buffer.concat([head(0x80 | opcode, 64, 65536, Buffer.alloc(4)), Buffer.alloc(65536, 3)]), [1002], `${name} of 65536 bytes`);
        await expectFailure(world, server, head(opcode, 7, 0, Buffer.alloc(4)), [1002], `${name}, FIN clear`);
        await expectFailure(world, server, Buffer.concat([head(opcode, 7, 2, Buffer.alloc(4)), Buffer.from([3, 232])]), [1002], `${name} with two bytes, FIN clear`);
      }
    },
  );

  rule(
    'pings-and-pongs',
    'gives pings with their bytes, and pongs without an answer',
    {
      rule: 'a pong has the bytes of its ping (RFC 6455 §5.5.3); a pong that nobody asked for is not answered',
      likely: 'the payload of a control frame that came in two pieces is not put together, or is not unmasked',
    },
    async (world) => {
      const cases = numbered(every, '2').filter(({ id }) => id !== '2.5');
      const [server, slow] = [await world.call('serveFrames'), await world.call('serveFrames', BYTE_BY_BYTE)];
      await runCases(world, server, cases);
      await runCases(world, slow, cases, byteByByte);
      for (const address of [server, slow]) {
        const client = await FrameClient.open(world, address);
        const pings = Array.from({ length: 20 }, () => world.random.bytes(world.random.integer(0, 125)));
        client.send(...pings.map((data) => ping(data)));
        for (const [i, data] of pings.entries()) await client.expectReply(i, 10, data, `20 pings in one write, number ${i + 1}`);
      }
    },
  );

  rule(
    'fragments',
    'puts fragments together',
    {
      rule: 'a message is a first frame with its opcode and FIN clear, continuations, and one with FIN set (RFC 6455 §5.4); any of them may be empty',
      likely: '`begin` takes a continuation for a message of its own; or what is counted for one message is not reset for the next',
    },
    async (world) => {
      const cases = numbered(every, '5.3', '5.4', '5.5', '10', '6.1');
      const limits = { fragmentsMax: 1000, messageBytesMax: 200_000 };
      const [server, slow] = [await world.call('serveFrames', { limits }), await world.call('serveFrames', { limits, ...BYTE_BY_BYTE })];
      await runCases(world, server, cases);
      await runCases(world, slow, cases, byteByByte);
      const { random } = world;
      for (const address of [server, slow]) {
        const client = await FrameClient.open(world, address);
        // Together more frames, and more bytes, than one message may have.
        for (let i = 0; i < 6; i++) {
          const message = random.bytes(random.integer(38_000, 50_000));
          const parts = fragments(2, message, random.integer(150, 200));
          await client.expectEcho(2, message, `a binary message in ${parts.length} fragments`, parts);
        }
        const empty = [binary('', false), ...Array.from({ length: 50 }, () => continuation('', false)), continuation('')];
        await client.expectEcho(2, '', 'a binary message in 52 empty fragments', empty);
        await client.expectEcho(1, 'after it', 'a text after it');
      }
    },
  );

  rule(
    'control-between-fragments',
    'takes control frames between fragments',
    {
      rule: 'control frames MAY come between the fragments of a message, and are acted on at once (RFC 6455 §5.4, §5.5)',
      likely: 'a ping ends the message, or is its next fragment; or it waits until the message has ended',
    },
    async (world) => {
      const cases = numbered(every, '5.6', '5.7', '5.8', '5.19', '5.20');
      const [server, slow] = [await world.call('serveFrames'), await world.call('serveFrames', BYTE_BY_BYTE)];
      await runCases(world, server, cases);
      await runCases(world, slow, cases, byteByByte);
      const { random } = world;
      for (const address of [server, slow]) {
        const client = await FrameClient.open(world, address);
        const message = Buffer.from(random.words(40));
        const parts = fragments(1, message, 7);
        const pings = parts.map(() => random.bytes(random.integer(0, 125)));
        const frames = parts.flatMap((part, i) => (i + 1 < parts.length ? [part, ping(pings[i]!), pong('not asked for')] : []));
        client.send(...frames);
        const sent = `a text in ${parts.length} fragments, a ping and a pong after each`;
        for (let i = 0; i + 1 < parts.length; i++) await client.expectReply(i, 10, pings[i]!, `${sent}; the last fragment is not sent yet`);
        client.send(parts.at(-1)!);
        await client.expectReply(parts.length - 1, 1, message, sent);
        client.send(text('half', false), close(1000));
        await client.expectClose([1000, 1005], 'half a message, and a Close frame');
      }
    },
  );

  rule(
    'fragments-out-of-place',
    'fails a fragment that is out of place',
    {
      rule: 'a continuation continues something, and no other message begins before the current one has ended (RFC 6455 §5.4); otherwise the code is 1002',
      likely: 'a first frame within a message begins a new one, or a continuation of nothing is ignored',
    },
    async (world) => {
      const cases = numbered(every, '5.9', '5.10', '5.12', '5.15', '5.16', '5.17', '5.18');
      const server = await world.call('serveFrames');
      await runCases(world, server, cases);
      await runCases(world, await world.call('serveFrames', BYTE_BY_BYTE), cases, byteByByte);
      const wrong: Frame[][] = [
        [binary('a', false), binary('b')], [text('a', false), binary('b')], [binary('', false), text('')], [text('a', false), text('b', false)], [text('', false), ping(), text('')], [continuation('')], [continuation('', false)], [ping(), continuation('a')],
      ];
      for (const frames of wrong) {
        const client = await FrameClient.open(world, server);
        client.send(...frames);
        await client.expectClose([1002], showFrames(frames));
      }
      const client = await FrameClient.open(world, server);
      await client.expectEcho(1, 'ab', 'a text in two fragments', [text('a', false), continuation('b')]);
      client.send(continuation('c'));
      await client.expectClose([1002], 'a text in two fragments, and a third after the last');
    },
  );

  rule(
    'text-is-utf-8',
    'takes every text that is UTF-8',
    {
      rule: 'characters of one to four bytes, from U+0000 to U+10FFFF without the surrogates (RFC 3629 §3), cut anywhere by frames and pieces (RFC 6455 §5.6)',
      likely: 'a character that is cut by the end of a fragment, or of a piece, is mistaken for a wrong one; or one of the limits of the second byte is too narrow',
    },
    async (world) => {
      const cases = answeredOf(numbered(every, ...Array.from({ length: 24 }, (_, i) => `6.${i}`)));
      const [server, slow] = [await world.call('serveFrames'), await world.call('serveFrames', BYTE_BY_BYTE)];
      await runCases(world, server, cases);
      await runCases(world, slow, cases, byteByByte);
      const edges = [0x00, 0x7f, 0x80, 0x7ff, 0x800, 0xfff, 0x1000, 0xcfff, 0xd000, 0xd7ff, 0xe000, 0xfeff, 0xfffd, 0xffff, 0x10000, 0x3ffff, 0x40000, 0xfffff, 0x100000, 0x10ffff];
      const text = edges.map((point) => String.fromCodePoint(point)).join('');
      for (const address of [server, slow]) {
        const client = await FrameClient.open(world, address);
        for (const part of [text, ...edges.map((point) => String.fromCodePoint(point)), someText(world, 3000)]) {
          const name = `a text ${hex(Buffer.from(part))}`;
          await client.expectEcho(1, part, name);
          for (const bytes of [1, 2, 3, 5]) await client.expectEcho(1, part, `${name} in fragments`, fragments(1, part, part.length > 100 ? 97 + bytes : bytes));
        }
      }
    },
  );

  rule(
    'text-that-is-not-utf-8',
    'fails a text that is not UTF-8',
    {
      rule: 'bytes that are not UTF-8 in a text fail the connection (RFC 6455 §8.1): 1007. That includes encodings that are too long, surrogates, anything above U+10FFFF, and a character that is cut off by the end of the message (RFC 3629 §3)',
      likely: 'a byte after the first is only checked to be from 80 to BF; or nobody checks at the end whether the last character is whole',
    },
    async (world) => {
      const cases = refusedOf(numbered(every, ...Array.from({ length: 24 }, (_, i) => `6.${i}`)));
      const server = await world.call('serveFrames');
      await runCases(world, server, cases);
      await runCases(world, await world.call('serveFrames', BYTE_BY_BYTE), cases, byteByByte);
      // After so much that is right that a fast way over it may end in the middle.
      const before = someText(world, 300);
      for (const wrong of ['c0af', 'e09fbf', 'eda080', 'f08fbfbf', 'f4908080', 'f5808080', '80', 'ff', 'c3', 'e282', 'f09f98']) {
        const message = Buffer.concat([Buffer.from(before), Buffer.from(wrong, 'hex')]);
        for (const frames of [[text(message)], fragments(1, message, 64), [text(message, false), ping(), continuation('')]]) {
          const client = await FrameClient.open(world, server);
          client.send(...frames);
          await client.untilClosed(`a text that ends with ${wrong}, in ${frames.length} frames`);
          await client.expectClose([1007], `a text that ends with ${wrong}, in ${frames.length} frames`);
        }
      }
      // What one message has left open does not concern the next.
      const client = await FrameClient.open(world, server);
      await client.expectEcho(2, Buffer.from([0xe2, 0x82]), 'a binary message e2 82');
      await client.expectEcho(1, 'text', 'a text after it');
    },
  );

  rule(
    'fails-at-the-first-wrong-byte',
    'fails at the byte that cannot be right, before the message has ended',
    {
      rule: 'text is checked as it arrives: as soon as no further bytes could make it right, the connection is failed, even within a frame and long before its end (RFC 6455 §8.1)',
      likely: 'the check waits for the end of the message, of the frame, or of the character',
    },
    async (world) => {
      const server = await world.call('serveFrames');
      for (const frameCase of every.filter(({ failsAtByte }) => failsAtByte !== undefined)) {
        const client = await FrameClient.open(world, server);
        const bytes = wireBytesOf(frameCase);
        const at = frameCase.failsAtByte!;
        client.tcp.write(bytes.subarray(0, at - 1));
        await client.expectSilence(world, `${frameCase.title}, without the byte that is wrong`);
        client.tcp.write(bytes.subarray(at - 1, at));
        await client.expectClose([1007], `${frameCase.title}; nothing after the byte that is wrong was sent`);
      }
      const wrong = ['80', 'c0', 'c1', 'e080', 'e09f', 'eda0', 'edbf', 'f080', 'f08f', 'f490', 'f4bf', 'f5', 'f8', 'fe', 'ff', 'c341', 'c3c3', 'e241', 'e28241', 'e282c3', 'f09f41', 'f09f9841', 'f09f98f0', 'ed9fc0', 'f0908079', 'f48fbfc0'];
      const { random } = world;
      await Promise.all(wrong.map(async (digits) => {
        const before = Buffer.from(random.boolean() ? '' : someText(world, random.integer(1, 150)));
        const message = Buffer.concat([before, Buffer.from(digits, 'hex')]);
        const at = wrongAfter(message)!;
        const key = random.bytes(4);
        const masked = Buffer.from(message);
        for (let i = 0; i < masked.length; i++) masked[i] = masked[i]! ^ key[i & 3]!;
        const client = await FrameClient.open(world, server);
        const sent = `the head of a text of 5000 bytes, and ${at} of them, which end with ${digits}`;
        client.tcp.write(Buffer.concat([head(0x81, 16, 5000, key), masked.subarray(0, at - 1)]));
        await client.expectSilence(world, `${sent}, without the last`);
        client.tcp.write(masked.subarray(at - 1, at));
        await client.expectClose([1007], sent);
      }));
    },
  );

  rule(
    'close-frames',
    'reads what a Close frame says, and nothing after it',
    {
      rule: 'a Close frame has no payload, or a code that may be sent and a reason in UTF-8 (RFC 6455 §5.5.1, §7.4); otherwise the code is 1002, or 1007 for the reason. What comes after it is not read',
      likely: 'a Close frame between fragments, or in pieces, is not a control frame like the others',
    },
    async (world) => {
      const left = closing.filter(({ id }) => !id.startsWith('7.13.')).map((frameCase) => (frameCase.close[0] === 1007 ? orCode(1002)(frameCase) : frameCase));
      const limits = { messageBytesMax: 1 << 20 };
      await runCases(world, await world.call('serveFrames', { limits }), left);
      await runCases(world, await world.call('serveFrames', { limits, ...BYTE_BY_BYTE }), left, byteByByte);
    },
  );

  rule(
    'too-long-as-announced',
    'fails a frame that is too long as soon as its head has come',
    {
      rule: 'a length above the limit fails the connection with 1009 (RFC 6455 §7.4.1), before a byte of the payload has come: announcing a length costs the sender nothing',
      likely: 'the limit is checked only when the payload is there; or only the lower four of the eight bytes are read',
    },
    async (world) => {
      const limits = { frameBytesMax: 70_000, messageBytesMax: 100_000 };
      const [server, slow] = [await world.call('serveFrames', { limits }), await world.call('serveFrames', { limits, ...BYTE_BY_BYTE })];
      const lengths = [70_001n, 99_999n, 1n << 31n, (1n << 31n) + 5n, 1n << 32n, (1n << 32n) + 5n, (1n << 32n) + 65_536n, (1n << 53n) - 1n, 1n << 53n, (1n << 62n) + 3n, (1n << 63n) - 1n];
      for (const address of [server, slow]) {
        for (const length of lengths) {
          const bytes = head(0x82, 64, length, world.random.bytes(4));
          await expectFailure(world, address, bytes, [1009], `the head of a frame of ${length} bytes, where 70000 are allowed: ${hex(bytes)}`);
        }
        const client = await FrameClient.open(world, address);
        await client.expectEcho(2, world.random.bytes(70_000), 'a frame of 70000 bytes, where 70000 are allowed');
      }
      const small = await world.call('serveFrames', { limits: { frameBytesMax: 1000, messageBytesMax: 500 } });
      for (const [form, length] of [[16, 501], [16, 1000], [16, 1001], [64, 70_000]] as const) {
        await expectFailure(world, small, head(0x81, form, length, Buffer.alloc(4)), [1009], `the head of a text of ${length} bytes, where 500 are allowed`);
      }
      const client = await FrameClient.open(world, small);
      await client.expectEcho(1, 'x'.repeat(500), 'a text of 500 bytes, where 500 are allowed');
    },
  );

  rule(
    'too-long-in-fragments',
    'counts a message over all its fragments',
    {
      rule: 'the limit on a message is for its fragments together (RFC 6455 §10.4): 1009, as soon as the head of the fragment that is too much has come',
      likely: 'each fragment is compared with the limit by itself, or the count is reset by a ping',
    },
    async (world) => {
      const limits = { frameBytesMax: 1000, messageBytesMax: 2500 };
      const [server, slow] = [await world.call('serveFrames', { limits }), await world.call('serveFrames', { limits, ...BYTE_BY_BYTE })];
      const { random } = world;
      for (const address of [server, slow]) {
        const client = await FrameClient.open(world, address);
        for (let i = 0; i < 3; i++) {
          const message = random.bytes(2500);
          await client.expectEcho(2, message, 'a message of 2500 bytes in fragments, where 2500 are allowed', fragments(2, message, random.integer(100, 1000)));
        }
        client.send(...fragments(2, random.bytes(2600), 1000).slice(0, 2), ping('between'));
        await client.expectReply(3, 10, 'between', 'two fragments of 1000 bytes and a ping');
        client.tcp.write(head(0x80, 16, 501, random.bytes(4)));
        await client.expectClose([1009], 'two fragments of 1000 bytes, a ping, and the head of one of 501, where 2500 are allowed in all');
        const many = await FrameClient.open(world, address);
        many.send(...fragments(1, 'x'.repeat(2501), 50).slice(0, 51));
        await many.expectClose([1009], 'a text of 2501 bytes in fragments of 50, where 2500 are allowed');
      }
    },
  );

  rule(
    'too-many-fragments',
    'fails a message with too many fragments',
    {
      rule: 'empty fragments cost their sender six bytes and have no size that could be counted, so their number has a limit, too (RFC 6455 §10.4); the code is 1008',
      likely: 'only bytes are counted; or control frames are counted, too',
    },
    async (world) => {
      const limits = { fragmentsMax: 8 };
      const server = await world.call('serveFrames', { limits });
      const client = await FrameClient.open(world, server);
      const eight = [text('', false), ...Array.from({ length: 6 }, () => continuation('', false)), continuation('end')];
      for (let i = 0; i < 3; i++) await client.expectEcho(1, 'end', 'a text in 8 fragments, where 8 are allowed', eight);
      client.send(...eight.flatMap((frame) => [frame, pong()]));
      await client.expectReply(3, 1, 'end', 'a text in 8 fragments with a pong after each, where 8 are allowed');
      for (const payload of ['', 'x']) {
        const other = await FrameClient.open(world, server);
        other.send(text(payload, false), ...Array.from({ length: 8 }, () => continuation(payload, false)));
        // Nobody but the limit itself says which code it has: one on size is as near.
        await other.expectClose([1008, 1009], `a text of 9 fragments with ${payload.length} bytes each and no end, where 8 are allowed`);
      }
    },
  );

  rule(
    'long-messages',
    'reads long messages, and many of them',
    {
      rule: 'messages of any length up to the limit, in one frame or in thousands, in any pieces (RFC 6455 §5.4)',
      likely: 'when the buffer of what was gathered grows, its end or its beginning is lost',
    },
    async (world) => {
      const limits = { frameBytesMax: sizeCasesBytesMax, messageBytesMax: sizeCasesBytesMax, fragmentsMax: sizeCasesFragmentsMax };
      const server = await world.call('serveFrames', { limits });
      const cases = numbered(every, '9.1.1', '9.1.3', '9.2.2', '9.2.4', '9.3.3', '9.4.5', '9.7.1', '9.7.4', '9.8.3', '9.8.5');
      for (const frameCase of cases) await runCases(world, server, [frameCase]);
      const cut = await world.call('serveFrames', { limits, pieceBytes: 64 });
      await runCases(world, cut, numbered(every, '9.5.1', '9.6.1'), ', in pieces of 64 bytes');
    },
  );

  rule(
    'fails-as-soon-as-it-shows',
    'fails a head that is wrong, and waits for nothing after it',
    {
      rule: 'a fault in a head is answered at the latest when the head is complete, with its key: no byte of the payload is needed (RFC 6455 §5.2)',
      likely: 'nothing is checked until part of the payload is there',
    },
    async (world) => {
      const limits = { frameBytesMax: 70_000, messageBytesMax: 100_000 };
      const none = Buffer.alloc(0);
      const { random } = world;
      const withKey = (bytes: Buffer): Buffer => ((bytes[1]! & 0x80) === 0 ? bytes : Buffer.concat([bytes, random.bytes(4)]));
      const wrong: [what: string, bytes: Buffer, code: number][] = [
        ['a frame without a mask', Buffer.from([0x81, random.integer(1, 125)]), 1002],
        ['a reserved opcode', Buffer.from([0x80 | random.integer(3, 7), 0x81]), 1002],
        ['a reserved bit', Buffer.from([0x82 | (random.integer(1, 3) << 4), 0x81]), 1002],
        ['a ping whose length is in more bytes', Buffer.from([0x89, 0xfe]), 1002],
        ['a ping with FIN clear', Buffer.from([0x09, 0x80]), 1002],
        ['a length of less than 126 in two bytes', head(0x82, 16, random.integer(0, 125), none), 1002],
        ['a length of less than 65536 in eight bytes', head(0x82, 64, random.integer(0, 65535), none), 1002],
        ['a length with its highest bit set', head(0x82, 64, 1n << 63n, none), 1002],
        ['a length of 70001, where 70000 are allowed', head(0x82, 64, 70_001, none), 1009],
        ['a length of 2^32 + 5, where 70000 are allowed', head(0x82, 64, (1n << 32n) + 5n, none), 1009],
      ];
      for (const pieceBytes of [Infinity, 1]) {
        const server = await world.call('serveFrames', pieceBytes === 1 ? { limits, ...BYTE_BY_BYTE } : { limits });
        for (const [what, bytes, code] of wrong) await expectFailure(world, server, withKey(bytes), [code], `${hex(bytes)}, ${what}, its key if it has one, and nothing after it`);
        const small = await world.call('serveFrames', { limits: { ...limits, frameBytesMax: 100 }, ...(pieceBytes === 1 && BYTE_BY_BYTE) });
        await expectFailure(world, small, withKey(Buffer.from([0x82, 0x80 | 101])), [1009], '82 e5, a length of 101, where 100 are allowed, its key, and nothing after it');
        await expectFailure(world, small, withKey(head(0x82, 16, 300, none)), [1009], '82 fe 01 2c, a length of 300, where 100 are allowed, its key, and nothing after it');
        const client = await FrameClient.open(world, server);
        client.tcp.write(head(0x82, 64, 70_000, none));
        await client.expectSilence(world, 'a length of 70000, where 70000 are allowed, and nothing after it', 'nothing: the key is still to come');
      }
    },
  );

  rule(
    'a-client-takes-no-masks',
    'reads frames for a client as well, which are not masked',
    {
      rule: 'a server MUST NOT mask its frames, and a client closes the connection with 1002 if one is masked (RFC 6455 §5.1): the reader\'s role says which side it is on',
      likely: 'the reader always wants a mask, or leaves four bytes for a key that is not there',
    },
    async (world) => {
      const long = world.random.word(300, 300);
      const toHex = (text: string): string => Buffer.from(text).toString('hex');
      const cases: [bytes: string, events: string[]][] = [
        [`8105${toHex('Hello')}`, ['message Hello']],
        [`0103${toHex('Hel')}890170${`8002${toHex('lo')}`}8100`, ['ping p', 'message Hello', 'message ']],
        [`817e012c${toHex(long)}8101${toHex('x')}`, [`message ${long}`, 'message x']],
        [`8105${toHex('Hello')}818100000000${toHex('x')}`, ['message Hello', 'fails with 1002']],
        ['8180', ['fails with 1002']],
        ['8a8000000000', ['fails with 1002']],
      ];
      for (const [bytes, expected] of cases) {
        const events = await world.call('clientReads', bytes);
        check(events.join() === expected.join(), { sent: `to a client: ${hex(Buffer.from(bytes, 'hex'))}`, received: events.join(', ').slice(0, 200) || 'nothing', expected: expected.join(', ').slice(0, 200) });
      }
    },
  );

  rule(
    'half-a-character-and-a-lot',
    'fails at half a character, even if a lot of valid text comes after it',
    {
      rule: 'a character that one fragment leaves incomplete must be continued by the first bytes of the next (RFC 6455 §8.1, RFC 3629 §3), however many bytes that has, and whether or not they are valid text by themselves',
      likely: 'a long part is checked as a whole, as if a character began with it',
    },
    async (world) => {
      const server = await world.call('serveFrames');
      const { random } = world;
      const halves = ['c3', 'e282', 'f09f98'];
      for (const half of halves) {
        const opened = Buffer.from(half, 'hex');
        for (const bytes of [1, 63, 64, 65, random.integer(100, 3000)]) {
          for (const long of [random.word(bytes, bytes), someText(world, bytes)]) {
            const sent = `a fragment that ends with ${half}, and one of ${Buffer.byteLength(long)} bytes of other text`;
            const client = await FrameClient.open(world, server);
            client.send(text(opened, false), continuation(long, false));
            await client.expectClose([1007], sent);
          }
        }
      }
      const client = await FrameClient.open(world, server);
      for (const character of ['é', '€', '😀']) {
        const message = `${character}${someText(world, 400)}`;
        const cut = Buffer.from(message);
        await client.expectEcho(1, message, 'a character in two fragments, the second of which has 400 bytes more', [text(cut.subarray(0, 1), false), continuation(cut.subarray(1))]);
      }
    },
  );

  rule(
    'small-and-large-fragments',
    'puts fragments of all sizes together in their order',
    {
      rule: 'the fragments of a message are put together in the order in which they were sent (RFC 6455 §5.4), the small ones and the large ones',
      likely: 'small parts are collected, large ones kept, and what was collected before a large one comes after it',
    },
    async (world) => {
      const { random } = world;
      const server = await world.call('serveFrames', { limits: { frameBytesMax: 1 << 20, messageBytesMax: 1 << 20 } });
      const client = await FrameClient.open(world, server);
      for (let round = 0; round < 4; round++) {
        const parts = Array.from({ length: 12 }, (_, index) => random.bytes(index % 2 === 0 ? random.integer(1, 300) : random.integer(20_000, 50_000)));
        const frames = parts.map((part, index) => (index === 0 ? binary(part, false) : continuation(part, index === parts.length - 1)));
        await client.expectEcho(2, Buffer.concat(parts), 'a binary message in 12 fragments, small and large in turn', frames);
        const texts = [someText(world, 200), someText(world, 30_000), someText(world, 20), someText(world, 40_000)];
        await client.expectEcho(1, texts.join(''), 'a text in 4 fragments, small and large in turn', texts.map((part, index) => (index === 0 ? text(part, false) : continuation(part, index === 3))));
      }
    },
  );
});
