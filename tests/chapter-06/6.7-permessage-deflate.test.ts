import { constants, deflateRawSync } from 'node:zlib';
import { exercise } from '#support/exercise.ts';
import type { World } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type { Address } from '#support/tcp-client.ts';
import { bytesOf, clientFrame, close, continuation, declinedOffers, deflateCases, ping, testData, text } from './cases/index.ts';
import type { Frame } from './cases/index.ts';
import { clientsOfOthers } from './clients-of-others.ts';
import { DeflatePeer, NAME, plain } from './deflate-peer.ts';
import type { Answer } from './deflate-peer.ts';
import type driver from './driver.ts';
import { SHARED } from './frame-calls.ts';
import { FrameClient, hex, showFrames } from './frame-client.ts';

type DeflateWorld = World<typeof driver>;

const MB = 1024 * 1024;

/** A server that deflates whatever can be. */
const ALL = { deflate: true, deflateFromBytes: 0 } as const;

/** Repetitive text of this many bytes. */
function prose({ random }: DeflateWorld, bytes: number): string {
  const words = Array.from({ length: 40 }, () => random.word());
  let made = '';
  while (made.length < bytes) made += `${random.pick(words)} `;
  return made.slice(0, bytes);
}

/** A message by itself, deflated as RFC 7692 §7.2.1 says. */
function deflated(message: string | Uint8Array, finishFlush: number = constants.Z_SYNC_FLUSH): Buffer {
  const bytes = deflateRawSync(bytesOf(message), { finishFlush });
  return finishFlush === constants.Z_SYNC_FLUSH ? bytes.subarray(0, -4) : bytes;
}

/** Asks with an offer, looks at what was answered, and sees that what was agreed on works. */
async function agree(world: DeflateWorld, server: Address, offer: string): Promise<DeflatePeer | null> {
  const peer = await DeflatePeer.offer(world, server, offer);
  if (peer === null) return null;
  await worksFor(world, peer, offer);
  return peer;
}

/** A message that refers to nothing before it, there and back. */
async function expectAlone(peer: DeflatePeer, message: string | Uint8Array, sent: string, fragmentBytes = 0): Promise<void> {
  peer.sendDeflated(typeof message === 'string' ? 1 : 2, deflated(message), fragmentBytes);
  await peer.expectMessage(message, sent);
}

async function worksFor(world: DeflateWorld, peer: DeflatePeer, offer: string): Promise<void> {
  const message = prose(world, 3000);
  for (let i = 0; i < 3; i++) await peer.expectEcho(message, `a text of 3000 bytes, for the ${i === 0 ? 'first' : 'next'} time, after the offer ${offer}`);
}

function show(answer: Answer | undefined): string {
  if (answer === undefined) return 'no Sec-WebSocket-Extensions';
  return `Sec-WebSocket-Extensions: ${[NAME, ...[...answer].map(([name, value]) => (value === true ? name : `${name}=${value}`))].join('; ')}`;
}

function expectAnswer(condition: boolean, peer: DeflatePeer | null, offer: string, expected: string): void {
  check(condition, { sent: `Sec-WebSocket-Extensions: ${offer}`, received: show(peer?.answer), expected });
}

exercise<typeof driver>('6.7', import.meta.url, (rule) => {
  rule(
    'agrees-on-it',
    'answers an offer of permessage-deflate, and only an offer',
    {
      rule: 'a server accepts an extension by naming it in its answer, and names none that was not offered (RFC 6455 §9.1, RFC 7692 §5.1)',
      likely: '`acceptDeflate` does not give the first offer that it can accept',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      const none = await FrameClient.open(world, server);
      check(none.extensions === undefined, { sent: 'a handshake without Sec-WebSocket-Extensions', received: `Sec-WebSocket-Extensions: ${none.extensions ?? ''}`, expected: 'none' });
      await none.expectEcho(1, 'as it is', 'a text where nothing was agreed on');
      for (const offer of [NAME, `${NAME}, x-unknown`, ` ${NAME} `]) {
        const peer = await DeflatePeer.open(world, server, offer);
        await expectAlone(peer, world.random.words(300), `a deflated text after the offer ${offer}`);
      }
      const without = await world.call('serveEcho', { deflate: false });
      const declined = await FrameClient.open(world, without, [['Sec-WebSocket-Extensions', NAME]]);
      check(declined.extensions === undefined, { sent: `Sec-WebSocket-Extensions: ${NAME} to a server that does without`, received: `Sec-WebSocket-Extensions: ${declined.extensions ?? ''}`, expected: 'none' });
      await declined.expectEcho(1, 'as it is', 'a text where nothing was agreed on');
    },
  );

  rule(
    'declines-what-it-cannot-read',
    'goes on without it if an offer is not valid',
    {
      rule: 'an offer is declined if a parameter is unknown, comes twice, or has a value that it cannot have (RFC 7692 §7.1); the WebSocket opens without it',
      likely: 'what is unknown is ignored, or such an offer gets a 400',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      const offers = [...declinedOffers, `${NAME}; server_max_window_bits=010`, `${NAME}; server_max_window_bits=1e1`, `${NAME}; client_max_window_bits=0`, `${NAME}; server_no_context_takeover; server_no_context_takeover`, `${NAME}; client_max_window_bits; client_max_window_bits=10`];
      for (const offer of offers) {
        const client = await FrameClient.open(world, server, [['Sec-WebSocket-Extensions', offer]]);
        check(client.extensions === undefined, { sent: `Sec-WebSocket-Extensions: ${offer}`, received: `Sec-WebSocket-Extensions: ${client.extensions ?? ''}`, expected: '101 without Sec-WebSocket-Extensions' });
        await client.expectEcho(1, 'as it is', 'a text where nothing was agreed on');
      }
      const client = await FrameClient.open(world, server, [['Sec-WebSocket-Extensions', `${NAME}; mystery`]]);
      client.send({ ...text('x'), rsv: 4 });
      await client.expectClose([1002], 'RSV1 where nothing was agreed on');
    },
  );

  rule(
    'inflates',
    'inflates messages, whole and in fragments',
    {
      rule: 'the message is the deflated bytes of all fragments with 00 00 ff ff after them, inflated (RFC 7692 §7.2.2); RSV1 on its first frame says so (§6.2)',
      likely: 'the four bytes are not put back, or every fragment is inflated by itself',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      const peer = await DeflatePeer.open(world, server);
      const hello = Buffer.from('f248cdc9c90700', 'hex');
      const cases: [string, Buffer, number][] = [
        ['Hello', hello, 0], ['Hello', hello, 3], ['Hello', hello, 1], ['Hello', Buffer.from('000500faff48656c6c6f00', 'hex'), 0], ['Hello', Buffer.from('f24805000000ffffcac9c90700', 'hex'), 0],
      ];
      for (const [message, bytes, fragmentBytes] of cases) {
        peer.sendDeflated(1, bytes, fragmentBytes);
        await peer.expectMessage(message, `the text "${message}", deflated to ${hex(bytes)}${fragmentBytes === 0 ? '' : `, in fragments of ${fragmentBytes} bytes`} (RFC 7692 §7.2.3)`);
      }
      const { random } = world;
      for (const bytes of [1, 100, 5000, 70_000]) {
        for (const fragmentBytes of [0, 1 + random.integer(100, 1000)]) {
          await expectAlone(peer, prose(world, bytes), `a text of ${bytes} bytes`, fragmentBytes);
          await expectAlone(peer, random.bytes(bytes), `a binary message of ${bytes} random bytes`, fragmentBytes);
        }
      }
      const slow = await DeflatePeer.open(world, server);
      await slow.client.tcp.writeByteByByte(await slow.deflated(prose(world, 300), 20));
      const { data } = await slow.message('a text of 300 bytes in fragments, byte by byte');
      const other = await DeflatePeer.open(world, server);
      await other.client.tcp.writePieces(random.pieces(await other.deflated(data, 50), 90));
      await other.expectMessage(data, 'the same as a binary message, in pieces');
    },
  );

  rule(
    'sends-less',
    'deflates what it sends',
    {
      rule: 'a long message with repetitions is sent deflated, with RSV1 on its first frame and without the four bytes that end a flush (RFC 7692 §6.1, §7.2.1)',
      likely: 'the last four bytes are sent, or the stream is ended instead of flushed',
    },
    async (world) => {
      const server = await world.call('serveEcho', { deflate: true });
      const peer = await DeflatePeer.open(world, server);
      for (const bytes of [4000, 20_000, 100_000]) {
        for (const message of [prose(world, bytes), Buffer.from(prose(world, bytes)), 'ü'.repeat(bytes)]) {
          const sent = `a ${typeof message === 'string' ? 'text' : 'binary message'} of ${bytesOf(message).length} bytes with many repetitions`;
          peer.sendDeflated(typeof message === 'string' ? 1 : 2, deflated(message));
          const { deflated: smaller, payload } = await peer.expectMessage(message, sent);
          check(smaller && payload.length < bytes * 0.7, { sent, received: `${payload.length} bytes, ${smaller ? 'deflated' : 'as it was'}`, expected: 'a deflated message that is a good deal shorter' });
          check(!payload.subarray(-4).equals(Buffer.from([0, 0, 0xff, 0xff])), { sent, received: 'a deflated message that ends with 00 00 ff ff', expected: 'the four bytes that a flush ends with are taken off (RFC 7692 §7.2.1)' });
        }
      }
    },
  );

  rule(
    'empty-messages',
    'accepts and sends empty messages',
    {
      rule: 'an empty message is deflated to one byte, 00 (RFC 7692 §7.2.3.6), or sent as it is',
      likely: 'an empty message is mistaken for one that has not arrived; or flushing nothing gives nothing, and four bytes are taken off that',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      const peer = await DeflatePeer.open(world, server);
      for (let i = 0; i < 2; i++) {
        for (const [bytes, fragmentBytes] of [['00', 0], ['0200', 0], ['0200', 1]] as const) {
          peer.sendDeflated(1, Buffer.from(bytes, 'hex'), fragmentBytes);
          await peer.expectMessage('', `an empty text, deflated to ${bytes}`);
        }
        await expectAlone(peer, prose(world, 2000), 'a text of 2000 bytes after it');
      }
    },
  );

  rule(
    'not-every-message',
    'accepts messages that are not deflated between deflated ones',
    {
      rule: 'RSV1 says for each message whether it is deflated (RFC 7692 §6); a message that is not does not become part of the context',
      likely: 'every message is inflated once the extension was agreed on; or a plain message becomes part of the context',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      const peer = await DeflatePeer.open(world, server);
      const message = prose(world, 2000);
      for (let round = 0; round < 3; round++) {
        await expectAlone(peer, message, 'a deflated text');
        const other = round === 1 ? 'short' : prose(world, 2500);
        peer.client.tcp.write(plain(1, other));
        await peer.expectMessage(other, 'a text as it is, between deflated ones');
        peer.client.tcp.write(plain(2, Buffer.from([0xff, 0x00])));
        await peer.expectMessage(Buffer.from([0xff, 0x00]), 'a binary message as it is');
      }
      peer.client.tcp.write(plain(1, ''));
      await peer.expectMessage('', 'an empty text, as it is');
      const fragmented = Buffer.concat([clientFrame(text('a', false)), clientFrame(ping('between')), clientFrame(continuation('b'))]);
      peer.client.tcp.write(fragmented);
      await peer.expectMessage('ab', 'a text in two fragments, as it is');
    },
  );

  rule(
    'context-is-kept',
    'accepts messages that refer to those before them',
    {
      rule: 'with context takeover a message refers to up to a whole window of the messages before it (RFC 7692 §7.2.2): 32 KB, if nothing else was agreed on',
      likely: 'each message is inflated by itself, or less than a window of the earlier ones is kept',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      const { random } = world;
      const peer = await DeflatePeer.open(world, server);
      const noise = random.bytes(32_000);
      const sent = 'a binary message that was sent before';
      await peer.expectEcho(noise, 'a binary message of 32000 random bytes');
      // Its beginning lies nearly a whole window back, and so does the rest of it, when that has its turn.
      for (let round = 0; round < 2; round++) await peer.expectEcho(noise.subarray(0, 300), `300 bytes of ${sent}`);
      await peer.expectEcho(noise, `the whole of ${sent}`);
      for (let at = 0; at < 30_000; at += 3000) await peer.expectEcho(noise.subarray(at, at + 200), `200 bytes of ${sent}`);
      const parts = Array.from({ length: 12 }, () => random.bytes(2500));
      for (const part of parts) await peer.expectEcho(part, '2500 random bytes');
      for (const part of parts) await peer.expectEcho(Buffer.concat([part.subarray(0, 700), Buffer.from('and new')]), '700 bytes of a message that was sent eleven messages before', 100);
    },
  );

  rule(
    'no-takeover-for-us',
    'refers to no earlier message if the client cannot keep them',
    {
      rule: 'a server that was offered server_no_context_takeover, and accepts, says so in its answer and begins every message with an empty context (RFC 7692 §7.1.1.1)',
      likely: 'the answer says so, and the context is kept all the same',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      const message = prose(world, 3000);
      for (const offer of [`${NAME}; server_no_context_takeover`, `${NAME}; server_no_context_takeover; client_no_context_takeover`, `${NAME}; server_max_window_bits=12; server_no_context_takeover`]) {
        const peer = await agree(world, server, offer);
        expectAnswer(peer?.answer.has('server_no_context_takeover') === true, peer, offer, 'server_no_context_takeover in the answer');
        for (let i = 0; i < 4; i++) await peer!.expectEcho(message, `the same text of 3000 bytes again and again, after the offer ${offer}`);
      }
      const wanting = await world.call('serveEcho', { ...ALL, deflate: { serverNoContextTakeover: true } });
      const peer = await agree(world, wanting, NAME);
      expectAnswer(peer !== null, peer, NAME, 'an answer');
    },
  );

  rule(
    'no-takeover-for-the-client',
    'asks a client to begin every message with an empty context, if it wants to keep nothing',
    {
      rule: 'client_no_context_takeover may be answered whether it was offered or not (RFC 7692 §7.1.1.2): if the server wants it, it says so; a client that offers it only says that it can',
      likely: 'the server answers with its own parameter instead of the client\'s',
    },
    async (world) => {
      const wanting = await world.call('serveEcho', { ...ALL, deflate: { clientNoContextTakeover: true } });
      for (const offer of [NAME, `${NAME}; client_no_context_takeover`, `${NAME}; client_max_window_bits=10; server_no_context_takeover`]) {
        const peer = await agree(world, wanting, offer);
        expectAnswer(peer?.answer.has('client_no_context_takeover') === true, peer, offer, 'client_no_context_takeover in the answer: the server wants it');
        expectAnswer(peer!.answer.has('server_no_context_takeover') || !offer.includes('server_no'), peer, offer, 'server_no_context_takeover in the answer: it was offered');
      }
      const server = await world.call('serveEcho', ALL);
      // Whether a hint is taken is the server's to decide: the client does as it was answered.
      const peer = await agree(world, server, `${NAME}; client_no_context_takeover`);
      expectAnswer(peer !== null, peer, `${NAME}; client_no_context_takeover`, 'an answer');
    },
  );

  rule(
    'a-smaller-window-for-us',
    'keeps to the window that a client offers',
    {
      rule: 'a server that accepts server_max_window_bits answers with the same or less, and refers to nothing further back (RFC 7692 §7.1.2.1)',
      likely: 'the answer has the value of the offer, and the messages are deflated with 15 bits; or the window into earlier messages is larger than the one within a message',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      const { random } = world;
      for (const bits of [8, 9, 10, 11, 12, 13, 14, 15]) {
        const offer = `${NAME}; server_max_window_bits=${bits}`;
        const peer = await DeflatePeer.offer(world, server, offer);
        // zlib can inflate with a window of 256 bytes and cannot deflate with one: declining it is allowed.
        if (bits === 8 && peer === null) continue;
        expectAnswer(peer !== null, peer, offer, 'an answer');
        const answered = peer!.answer.get('server_max_window_bits');
        expectAnswer(bits === 15 || (answered !== undefined && Number(answered) <= bits), peer, offer, `server_max_window_bits=${bits}, or less`);
        const block = random.bytes(Math.min(2 ** bits, 16_000));
        const far = Buffer.concat([block, random.bytes(2 ** bits - Math.min(200, block.length / 2)), block, block]);
        for (const message of [far, Buffer.alloc(5000, 'a'), prose(world, 9000), prose(world, 9000), far.subarray(0, 3000), far]) await peer!.expectEcho(message, `a message of ${message.length} bytes after the offer ${offer}`);
      }
      const wanting = await world.call('serveEcho', { ...ALL, deflate: { serverMaxWindowBits: 10 } });
      for (const offer of [NAME, `${NAME}; server_max_window_bits=12`, `${NAME}; server_max_window_bits=9`]) {
        const peer = await agree(world, wanting, offer);
        const most = offer.endsWith('=9') ? 9 : 10;
        expectAnswer(peer !== null && (offer === NAME || Number(peer.answer.get('server_max_window_bits')) <= most), peer, offer, offer === NAME ? 'an answer' : `server_max_window_bits=${most}, or less: the server wants no more than 10`);
      }
    },
  );

  rule(
    'a-smaller-window-for-the-client',
    'asks for a smaller window only if the client has offered it',
    {
      rule: 'client_max_window_bits MUST NOT be answered if it was not offered; if it was, the answer has a value, no larger than that of the offer (RFC 7692 §7.1.2.2)',
      likely: 'the server\'s wish is answered to everybody, or the parameter comes back without a value',
    },
    async (world) => {
      const cases: [wanted: number, offer: string, least: number, most: number | null][] = [
        [15, NAME, 15, null], [15, `${NAME}; client_max_window_bits`, 8, 15], [15, `${NAME}; client_max_window_bits=10`, 8, 10], [10, NAME, 15, null], [10, `${NAME}; server_max_window_bits=11`, 15, null],
        [10, `${NAME}; client_max_window_bits`, 8, 10], [10, `${NAME}; client_max_window_bits=12`, 8, 10], [10, `${NAME}; client_max_window_bits=9`, 8, 9], [10, `${NAME}; client_max_window_bits=15; server_no_context_takeover`, 8, 10],
      ];
      for (const wanted of [15, 10]) {
        const server = await world.call('serveEcho', { ...ALL, deflate: { clientMaxWindowBits: wanted } });
        for (const [, offer, least, most] of cases.filter(([value]) => value === wanted)) {
          const peer = await agree(world, server, offer);
          const value = peer?.answer.get('client_max_window_bits');
          const right = most === null ? value === undefined : value === undefined ? wanted === 15 || offer.endsWith('=9') : Number(value) >= least && Number(value) <= most;
          expectAnswer(peer !== null && right, peer, offer, most === null ? 'no client_max_window_bits: it was not offered' : `client_max_window_bits=${most}, or less`);
        }
      }
    },
  );

  rule(
    'first-that-it-can',
    'accepts the first offer that it can',
    {
      rule: 'a client lists its offers with its favourite first; the server accepts one of them (RFC 7692 §5.1, §7.1)',
      likely: 'an offer that is declined ends the search, or every valid one gets an answer',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      const offers: [string, (answer: Answer) => boolean, string][] = [
        [`${NAME}; mystery=1, ${NAME}; server_no_context_takeover, ${NAME}`, (answer) => answer.has('server_no_context_takeover'), 'the second'],
        [`${NAME}; server_max_window_bits=10, ${NAME}`, (answer) => Number(answer.get('server_max_window_bits')) <= 10, 'the first'],
        [`${NAME}; server_max_window_bits=7, ${NAME}; server_max_window_bits=16, ${NAME}; server_max_window_bits=12`, (answer) => Number(answer.get('server_max_window_bits')) <= 12, 'the third'],
        [`x-unknown, ${NAME}; server_no_context_takeover; server_max_window_bits=11, ${NAME}`, (answer) => answer.has('server_no_context_takeover') && Number(answer.get('server_max_window_bits')) <= 11, 'the first of permessage-deflate'],
      ];
      for (const [offer, right, which] of offers) {
        const peer = await agree(world, server, offer);
        expectAnswer(peer !== null && right(peer.answer), peer, offer, which);
      }
    },
  );

  rule(
    'rsv1-on-the-first-frame',
    'fails RSV1 where it has no meaning',
    {
      rule: 'RSV1 is for the first frame of a message: on a continuation or a control frame it fails the connection with 1002, as RSV2 and RSV3 do on any frame (RFC 7692 §6.1, RFC 6455 §5.2)',
      likely: 'once the extension was agreed on, the reserved bits are not checked any more',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      const hello = Buffer.from('f248cdc9c90700', 'hex');
      const wrong: Frame[][] = [
        [text('a', false), { ...continuation('b'), rsv: 4 }], [{ ...text(hello.subarray(0, 3), false), rsv: 4 }, { ...continuation(hello.subarray(3)), rsv: 4 }], [{ ...ping('a'), rsv: 4 }], [{ opcode: 10, payload: '', rsv: 4 }], [{ ...close(1000), rsv: 4 }],
        [{ ...text(hello), rsv: 6 }], [{ ...text(hello), rsv: 2 }], [{ ...text(hello), rsv: 1 }], [{ ...text(hello), rsv: 5 }], [{ opcode: 3, payload: hello, rsv: 4 }],
      ];
      for (const frames of wrong) {
        const { client } = await DeflatePeer.open(world, server);
        client.send(...frames);
        await client.expectClose([1002], showFrames(frames));
      }
      const { client } = await DeflatePeer.open(world, server);
      client.send({ ...text(hello.subarray(0, 3), false), rsv: 4 }, ping('between'), continuation(hello.subarray(3)));
      await client.untilFrames(2, 'a deflated text in two fragments, and a ping between them');
      check(client.frames.some(({ opcode, rsv1, payload }) => opcode === 10 && !rsv1 && payload.equals(Buffer.from('between'))), { sent: 'a ping between the fragments of a deflated text', received: client.tcp.describe(), expected: 'its pong, without RSV1 and as it was' });
    },
  );

  rule(
    'too-long-when-inflated',
    'stops at the limit while it inflates',
    {
      rule: 'the limit on a message is for its inflated size (RFC 6455 §10.4): 1009, and no more memory than that is ever taken. A thousandth of it is enough on the wire',
      likely: 'the limit is applied to what has arrived, or only after everything has been inflated',
    },
    async (world) => {
      const limits = { messageBytesMax: MB, frameBytesMax: MB };
      const server = await world.call('serveEcho', { ...ALL, limits });
      const exact = await DeflatePeer.open(world, server);
      await exact.expectEcho(Buffer.alloc(MB, 'x'), 'a message of 1 MB when it is inflated, where 1 MB is allowed');
      const random = world.random.bytes(100_000);
      for (const [message, sent] of [[Buffer.alloc(MB + 1, 'x'), 'a message of 1 MB and a byte'], [Buffer.concat([random, Buffer.alloc(2 * MB)]), 'a message of 2 MB'], [Buffer.alloc(20 * MB), 'a message of 20 MB']] as const) {
        for (const fragmentBytes of [0, 500]) {
          const peer = await DeflatePeer.open(world, server);
          peer.sendDeflated(2, deflated(message), fragmentBytes === 0 ? 0 : Math.ceil(deflated(message).length / 20));
          await peer.client.expectClose([1009], `${sent} when it is inflated${fragmentBytes === 0 ? '' : ', in fragments'}, where 1 MB is allowed`);
        }
      }
      // 400 MB, whose deflated bytes are gigantic for no limit.
      const before = await world.call('memoryPeak');
      const bomb = bombOf(400 * MB);
      const peer = await DeflatePeer.open(world, server);
      peer.sendDeflated(2, bomb);
      await peer.client.expectClose([1009], `${bomb.length} bytes that inflate to 400 MB, where 1 MB is allowed`);
      const grown = (await world.call('memoryPeak')) - before;
      check(grown < 150 * MB, { sent: `${bomb.length} bytes that inflate to 400 MB, where 1 MB is allowed`, received: `the process grew by ${Math.round(grown / MB)} MB`, expected: 'it stops inflating at the limit' });
    },
  );

  rule(
    'broken-deflate',
    'fails what cannot be inflated',
    {
      rule: 'bytes that are not valid deflate, or that refer to something that was never sent, fail the connection (RFC 6455 §7.1.7); the code is 1007 here, since RFC 7692 does not name one',
      likely: 'zlib\'s error is not a WebSocketError, and so it becomes 1011; or it ends the process',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      const broken: [string, string][] = [
        ['ffffffff', 'a block of the reserved type'], ['000500faef48656c6c6f00', 'a stored block whose length is wrong'], ['f200110000', 'a reference to what was never sent'],
      ];
      for (const [digits, what] of broken) {
        for (const opcode of [1, 2] as const) {
          const peer = await DeflatePeer.open(world, server);
          peer.sendDeflated(opcode, Buffer.from(digits, 'hex'));
          await peer.client.expectClose([1007, 1002], `${digits}: ${what}`);
        }
      }
      const peer = await DeflatePeer.open(world, server);
      await peer.expectEcho(prose(world, 2000), 'a text of 2000 bytes');
    },
  );

  rule(
    'inflated-text-is-utf-8',
    'fails a deflated text that is not UTF-8',
    {
      rule: 'text must be UTF-8 after it was inflated (RFC 6455 §8.1); otherwise the code is 1007. What is on the wire need not be',
      likely: 'the deflated bytes are checked, or nothing is',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      for (const digits of ['ff', 'c3', 'eda080', '68656c6c6fe282', 'f4908080']) {
        const peer = await DeflatePeer.open(world, server);
        peer.sendDeflated(1, deflated(Buffer.from(digits, 'hex')));
        await peer.client.expectClose([1007], `a deflated text that is ${digits} when it is inflated`);
        const right = await DeflatePeer.open(world, server);
        right.sendDeflated(2, deflated(Buffer.from(digits, 'hex')));
        await right.expectMessage(Buffer.from(digits, 'hex'), `the same as a binary message: ${digits}`);
      }
      const peer = await DeflatePeer.open(world, server);
      for (const message of ['größe', '€'.repeat(500), '😀 '.repeat(300)]) for (const fragmentBytes of [0, 1]) await peer.expectEcho(message, `a deflated text: ${hex(Buffer.from(message))}`, fragmentBytes);
    },
  );

  rule(
    'blocks-that-say-they-are-last',
    'accepts a block that is marked as final, and what follows it',
    {
      rule: 'a block may have BFINAL set (RFC 7692 §7.2.3.4), and there may be other blocks after it; the context goes on',
      likely: 'zlib stops after such a block, and what it has not read is forgotten, or is an error',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      const peer = await DeflatePeer.open(world, server);
      peer.sendDeflated(1, Buffer.from('f348cdc9c9070000', 'hex'));
      await peer.expectMessage('Hello', 'the text "Hello" in a block with BFINAL set: f3 48 cd c9 c9 07 00 00 (RFC 7692 §7.2.3.4)');
      if (!peer.agreed.clientNoContextTakeover) peer.sendDeflated(1, Buffer.from('f200110000', 'hex'));
      else peer.sendDeflated(1, deflated('Hello'));
      await peer.expectMessage('Hello', 'the text "Hello" again, as a reference to the one before');
      peer.sendDeflated(1, Buffer.from('030000', 'hex'));
      await peer.expectMessage('', 'an empty text in a block with BFINAL set: 03 00 00');
      const { random } = world;
      const [one, two] = [prose(world, 500), random.words(30)];
      const last = deflated(one, constants.Z_FINISH);
      for (const [parts, message] of [[[last, Buffer.from([0])], one], [[last, deflated(two)], one + two], [[last, last, deflated(two)], one + one + two]] as const) {
        peer.sendDeflated(1, Buffer.concat(parts));
        await peer.expectMessage(message, `a text in ${parts.length} streams, all but the last of which end with a final block`);
      }
      peer.sendDeflated(1, Buffer.concat([last, deflated(two)]), 100);
      await peer.expectMessage(one + two, 'the same in fragments');
      const over = await DeflatePeer.open(world, await world.call('serveEcho', { ...ALL, limits: { messageBytesMax: 10_000 } }));
      over.sendDeflated(2, Buffer.concat([deflated(Buffer.alloc(6000), constants.Z_FINISH), deflated(Buffer.alloc(6000))]));
      await over.client.expectClose([1009], 'twice 6000 bytes with a final block between them, where 10000 are allowed');
    },
  );

  rule(
    'sent-to-many',
    'sends a message to many between messages to one',
    {
      rule: 'a message that is encoded once for everybody refers to nothing before it, and later messages refer to nothing that a client may not have (RFC 7692 §7.2.1)',
      likely: 'the next message refers to the one before the shared one as if that had never been sent, so its distances are wrong',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      for (const offer of [NAME, `${NAME}; server_max_window_bits=10`, `${NAME}; server_no_context_takeover`]) {
        const peer = await DeflatePeer.open(world, server, offer);
        const [one, all] = [prose(world, 3000), SHARED + prose(world, 3000)];
        for (let round = 0; round < 3; round++) for (const message of [one, all, one, one, all, all]) await peer.expectEcho(message, `a message that is ${message === all ? 'sent to many' : 'sent to one'}, after the offer ${offer}`);
      }
    },
  );

  rule(
    'many-messages',
    'keeps in step over many messages of all kinds',
    {
      rule: 'whatever was agreed on, every message comes back as it was sent (RFC 7692 §7.2)',
      likely: 'the history of earlier messages is cut at the wrong end, or one byte too short',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      const wanted = new Set([16, 1024, 8192, 65536]);
      const cases = deflateCases.filter(({ messageBytes, fragmentBytes, id }) => wanted.has(messageBytes) && (fragmentBytes === 0 || id.endsWith('.11')));
      for (const { data, messageBytes, fragmentBytes, offer, title } of cases) {
        const peer = await DeflatePeer.offer(world, server, offer);
        if (peer === null) continue;
        const count = messageBytes > 10_000 ? 2 : 6;
        const bytes = testData(data, messageBytes + count * 7);
        for (let i = 0; i < count; i++) {
          const message = bytes.subarray(i * 7, i * 7 + messageBytes);
          await peer.expectEcho(i % 2 === 0 ? message : message.toString('latin1').slice(0, messageBytes / 2), title, fragmentBytes);
        }
        peer.close();
      }
    },
  );

  rule(
    'a-client-of-others',
    'understands clients that somebody else has written',
    {
      rule: 'Node\'s own WebSocket and the package ws offer permessage-deflate and fail what they cannot inflate (RFC 7692 §7.2.2)',
      likely: 'the answer has a parameter that was not offered, a message has RSV1 and is not deflated, or it ends as a stream does (BFINAL)',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      for (const { name, Client } of clientsOfOthers) {
        const client = new Client(`ws://${server.host}:${server.port}/`);
        const events: string[] = [];
        client.onopen = () => events.push('open');
        client.onerror = () => events.push('error');
        // The answer to a Close frame has its code, or none.
        client.onclose = ({ code }) => events.push(`closed with ${code === 1005 ? 1000 : code}`);
        client.onmessage = ({ data }) => events.push(String(data));
        const next = async (number: number, sent: string, expected: string): Promise<void> => {
          await world.subject.until(() => events.length > number);
          const came = events[number] ?? 'nothing';
          check(came === expected, { sent, received: came.slice(0, 60), expected: expected.slice(0, 60) });
        };
        await next(0, `new WebSocket of ${name}`, 'open');
        const messages = [prose(world, 5000), 'short', prose(world, 30_000), '', 'größe '.repeat(400)];
        for (const [i, message] of [...messages, ...messages].entries()) {
          client.send(message);
          await next(i + 1, `a message of ${message.length} characters from ${name}`, message);
        }
        client.close(1000);
        await next(messages.length * 2 + 1, `close() of ${name}`, 'closed with 1000');
      }
    },
  );

  rule(
    'context-is-used',
    'refers to what it has sent before, if that was agreed on',
    {
      rule: 'the exercise asks for this, although RFC 7692 §7.1.1.1 only allows it: without server_no_context_takeover in the answer, a message is deflated with those before it as its context',
      likely: 'each message is deflated without the `#history`, or is not added to it afterwards',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      const peer = await DeflatePeer.open(world, server);
      const { serverNoContextTakeover, serverMaxWindowBits } = peer.agreed;
      // A side that has said that it begins anew, or keeps less than one message, has promised nothing else.
      if (serverNoContextTakeover || serverMaxWindowBits < 11) return;
      for (const sent of ['a text of 400 random characters', 'a text that came two messages before', 'and again']) {
        const texts = Array.from({ length: 2 }, () => world.random.bytes(300).toString('base64'));
        const first: number[] = [];
        for (const message of texts) first.push((await peer.expectEcho(message, sent)).payload.length);
        for (const [index, message] of texts.entries()) {
          const { payload } = await peer.expectEcho(message, sent);
          check(payload.length < first[index]! / 2, {
            sent: 'two texts of 400 random characters, and both of them again', received: `${first[index]} bytes for the first time, ${payload.length} for the second`, expected: 'less than half as many: a reference to the one before',
          });
        }
      }
    },
  );

  rule(
    'window-after-a-final-block',
    'keeps the window after a final block within a message',
    {
      rule: 'the window for what follows a final block is the earlier messages and what this one has been inflated to so far (RFC 7692 §7.2.3.4, and the TODO)',
      likely: 'what follows is inflated with the `#window` alone, or with the beginning of this message alone',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      const { random } = world;
      const peer = await DeflatePeer.open(world, server);
      // A window of 256 bytes is less than what is referred to here.
      const rounds = peer.agreed.clientMaxWindowBits < 9 ? 0 : 3;
      for (let round = 0; round < rounds; round++) {
        const [before, one] = [random.bytes(400), random.bytes(300)];
        await expectAlone(peer, before, 'a binary message of 400 random bytes');
        const known = peer.agreed.clientNoContextTakeover || peer.agreed.clientMaxWindowBits < 11 ? one : Buffer.concat([before, one]);
        const again = deflateRawSync(known, { finishFlush: constants.Z_SYNC_FLUSH, dictionary: known }).subarray(0, -4);
        peer.sendDeflated(2, Buffer.concat([deflated(one, constants.Z_FINISH), again]));
        await peer.expectMessage(Buffer.concat([one, known]), `300 random bytes in a final block, and in one after it a reference to ${known === one ? 'them' : 'the message before and to them'}`);
      }
    },
  );

  rule(
    'names-the-window-of-the-offer',
    'names its own window in the answer wherever the offer did',
    {
      rule: 'a server accepts server_max_window_bits by including it in its answer (RFC 7692 §7.1.2.1), even if the offer asks for no less than it would use anyway',
      likely: 'the answer names a window only if it is smaller than 15',
    },
    async (world) => {
      for (const wanted of [15, 11]) {
        const server = await world.call('serveEcho', { ...ALL, deflate: { serverMaxWindowBits: wanted } });
        for (const bits of [15, 13, 10]) {
          for (const offer of [`${NAME}; server_max_window_bits=${bits}`, `${NAME}; server_no_context_takeover; server_max_window_bits=${bits}; client_max_window_bits`]) {
            const peer = await DeflatePeer.open(world, server, offer);
            const most = Math.min(bits, wanted);
            const answered = peer.answer.get('server_max_window_bits');
            expectAnswer(answered !== undefined && Number(answered) <= most, peer, offer, `server_max_window_bits=${most}, or less`);
          }
        }
      }
    },
  );

  rule(
    'a-window-and-nothing-after-it',
    'declines a window value that only begins like a number',
    {
      rule: 'a window is a number from 8 to 15 in decimal (RFC 7692 §7.1.2), and an offer with another value is declined (§7.1)',
      likely: 'the first digits are read, and what comes after them is ignored',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      for (const side of ['server', 'client']) {
        for (const value of ['100', '150', '80', '9x', '12a', '9.5', `1${world.random.integer(0, 5)}-`]) {
          const offer = `${NAME}; ${side}_max_window_bits=${value}`;
          const client = await FrameClient.open(world, server, [['Sec-WebSocket-Extensions', offer]]);
          check(client.extensions === undefined, { sent: `Sec-WebSocket-Extensions: ${offer}`, received: `Sec-WebSocket-Extensions: ${client.extensions ?? ''}`, expected: '101 without Sec-WebSocket-Extensions' });
        }
      }
    },
  );

  rule(
    'so-many-final-blocks',
    'accepts sixteen final blocks within a message, and no more',
    {
      rule: 'after a final block there may be others (RFC 7692 §7.2.3.4), but each costs more than its few bytes: FINAL_BLOCKS_MAX further streams are accepted, and one more is a 1007 (the TODO)',
      likely: 'the loop over the streams of a message has no limit, or stops one too early',
    },
    async (world) => {
      const server = await world.call('serveEcho', ALL);
      const words = Array.from({ length: 200 }, () => world.random.word());
      const streams = (count: number): Buffer => Buffer.concat([...words.slice(0, count).map((word) => deflated(word, constants.Z_FINISH)), deflated('end')]);
      const peer = await DeflatePeer.open(world, server);
      for (const count of [15, 16]) {
        peer.sendDeflated(1, streams(count));
        await peer.expectMessage(`${words.slice(0, count).join('')}end`, `a text of ${count} final blocks, and one after them`);
      }
      for (const count of [24, 200]) {
        const other = await DeflatePeer.open(world, server);
        other.sendDeflated(1, streams(count));
        await other.client.expectClose([1002, 1007, 1008, 1009], `a text of ${count} final blocks, and one after them`);
      }
    },
  );

  rule(
    'one-byte-too-many-after-a-final-block',
    'counts the bytes of a message over all its final blocks, to the last one',
    {
      rule: 'the limit is for the whole message (RFC 6455 §10.4), however many streams it comes in: one byte more is 1009, even if the earlier streams have used up the limit',
      likely: 'nothing is left of the limit, and zlib does not take a limit of zero',
    },
    async (world) => {
      const messageBytesMax = world.random.integer(2000, 6000);
      const server = await world.call('serveEcho', { ...ALL, limits: { messageBytesMax } });
      const whole = prose(world, messageBytesMax);
      const last = deflated(whole, constants.Z_FINISH);
      const peer = await DeflatePeer.open(world, server);
      peer.sendDeflated(1, Buffer.concat([last, deflated('')]));
      await peer.expectMessage(whole, `a text of ${messageBytesMax} bytes with a final block, where that many are allowed, and nothing after it`);
      for (const more of ['x', 'some more']) {
        const other = await DeflatePeer.open(world, server);
        other.sendDeflated(1, Buffer.concat([last, deflated(more)]));
        await other.client.expectClose([1009], `a text of ${messageBytesMax} bytes with a final block, where that many are allowed, and ${more.length} after it`);
      }
    },
  );

  rule(
    'level-as-it-was-tuned',
    'deflates as well as it was told to',
    {
      rule: 'the level is the one of `tuning` (DeflateTuning): the result is shorter with 9 than with 1',
      likely: '`deflateRawSync` is not given the `level`',
    },
    async (world) => {
      const message = prose(world, 30_000);
      const lengths: number[] = [];
      for (const level of [1, 9]) {
        const server = await world.call('serveEcho', { ...ALL, deflateTuning: { level, memoryLevel: 8, historyBytesMax: 8 * 1024 } });
        const peer = await DeflatePeer.open(world, server);
        const sent = `a text of ${message.length} bytes, where the level is ${level}`;
        peer.sendDeflated(1, deflated(message));
        const answer = await peer.expectMessage(message, sent);
        check(answer.deflated, { sent, received: 'a message as it was', expected: 'a deflated message' });
        lengths.push(answer.payload.length);
      }
      check(lengths[1]! < lengths[0]! * 0.97, { sent: `a text of ${message.length} bytes, once with level 1 and once with level 9`, received: `${lengths.join(' and ')} bytes`, expected: 'less with level 9' });
    },
  );
});

/** The deflated form of this many equal bytes, made without having them. */
function bombOf(bytes: number): Buffer {
  const chunk = Buffer.alloc(4 * MB);
  // What ends with a full flush refers to nothing before it, so it can be repeated.
  const once = deflateRawSync(chunk, { level: 9, finishFlush: constants.Z_FULL_FLUSH });
  return Buffer.concat(Array.from({ length: bytes / chunk.length }, () => once));
}
