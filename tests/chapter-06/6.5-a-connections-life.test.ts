import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { clientFrame, close, continuation, ping, pong, text } from './cases/index.ts';
import type { Frame } from './cases/index.ts';
import type driver from './driver.ts';
import { PeerClient } from './life-client.ts';
import { numbered } from './life-script.ts';
import type { Step } from './life-script.ts';
import { expectNoConnections, expectNoReports, noted, showStory, standstill, stopped, storyOf, told, toldOnly } from './life-story.ts';
import { firstOf } from './notes.ts';
import { expectClosure, given, openPeer, untilState } from './peer-story.ts';
import { handshakeBytes } from './ws-client.ts';

const accept: Step = { do: 'accept' };
const drain: Step = { do: 'drain' };
const echo: Step = { do: 'echo' };
const gate = (name: string): Step => ({ do: 'gate', name });

/** Not before the test is over. */
const NEVER_MS = 1e9;
const WITHOUT_LIMIT = 1e9;
const KIB = 1024;
const MIB = 1024 * 1024;

exercise<typeof driver>('6.5', import.meta.url, (rule) => {
  rule(
    'closes-when-told',
    'closes when the application says so: first what was sent before, then the code and the reason',
    {
      rule: 'websocket.close begins the closing handshake, and what was sent before leaves first (A84). The connection stays until the client has answered, and each side sends one Close frame (RFC 6455 §5.5.1, §7.1.1)',
      likely: 'the client\'s Close frame is mistaken for a new one and answered, although it is the answer to ours',
    },
    async (world) => {
      const { random } = world;
      const [code, reason] = [random.integer(3000, 4999), random.words(3)];
      const lengths = [...Array.from({ length: 40 }, () => random.integer(10, 20_000)), 10, 10, 10];
      const letters = random.word();
      // All of it in one turn.
      const server = await world.call('serveLife', {
        scripts: { '/a': [accept, { do: 'burst', lengths, letters, forgotten: true }, { do: 'close', code, reason }, drain] },
      });
      const sent = `websocket.close with ${code} and "${reason}", after ${lengths.length} messages`;
      const client = await PeerClient.open(world, server, '/a?a');
      const closed = await client.untilClose({ sent });
      check(closed.code === code && closed.reason === reason, { sent, received: `Close ${closed.code} ${closed.reason}`, expected: `Close ${code} ${reason}` });
      check(client.texts.join('\n') === lengths.map((length, index) => numbered(index, length, letters)).join('\n'), { sent, received: client.describe(), expected: 'all messages before the Close frame, in their order' });
      await world.settle();
      check(!client.tcp.ended && !client.tcp.closed, {
        sent, received: client.describe(), expected: 'the connection stays until the client has answered (RFC 6455 §7.1.1)', likely: 'the socket is ended after our Close frame, and not when both are there',
      });
      client.send(close(code));
      await client.untilEnd({ sent: `the client's Close frame, in answer to ${code}` });
      await toldOnly(world, 'a', `disconnect ${code}`, { sent });
      await expectNoConnections(world, sent);
      await expectNoReports(world, sent);
    },
  );

  rule(
    'answers-their-close',
    'answers the client\'s Close frame, once, and then ends the connection itself',
    {
      rule: 'a Close frame is answered with one, typically with the same code (RFC 6455 §5.5.1); then the server ends the TCP connection, and is the first to do so (§7.1.1)',
      likely: 'the application is told about the Close frame, but the frame is not answered; or ending the connection is left to the client',
    },
    async (world) => {
      const server = await world.call('serveLife', { scripts: { '/a': [accept, drain] } });
      const { random } = world;
      const codes = [1000, 1001, random.integer(3000, 3999), random.integer(4000, 4999), undefined];
      for (const [index, code] of codes.entries()) {
        const reason = code === undefined ? '' : random.words(random.integer(0, 3));
        const sent = `four messages and Close ${code ?? 'without a code'} ${reason}`.trimEnd();
        const client = await PeerClient.open(world, server, `/a?${index}`);
        const messages = Array.from({ length: 4 }, (_, index) => `${index} ${random.words(2)}`);
        client.send(...messages.map((message) => text(message)), close(code, reason));
        await client.untilEnd({ sent });
        const answer = client.closed?.code;
        // The code is "typically" echoed; an answer may also have none.
        check(answer !== undefined && [code ?? 1005, 1000, 1005].includes(answer), { sent, received: client.describe(), expected: `Close ${code ?? 'without a code'}` });
        check(!client.tcp.reset, { sent, received: client.describe(), expected: 'the end (FIN) and no reset' });
        await toldOnly(world, `${index}`, `disconnect ${code ?? 1005} ${reason}`.trimEnd(), { sent });
        const heard = (await storyOf(world, `${index}`)).filter((line) => line.startsWith('message '));
        check(heard.join() === messages.map((message) => `message ${message}`).join(), { sent, received: showStory(heard), expected: 'the messages before the Close frame are received' });
      }
      await expectNoConnections(world, 'Close frames');
    },
  );

  rule(
    'both-at-once',
    'closes once when both sides close at the same time',
    {
      rule: 'both sides may send a Close frame before the other\'s has arrived; then each has sent one, and neither is answered (RFC 6455 §7.1.2). The application is told the client\'s code (A81)',
      likely: 'a Close frame is answered whatever has been sent before, or a close() after the answer sends another one',
    },
    async (world) => {
      const { random } = world;
      const [ours, theirs] = [random.integer(3000, 3999), random.integer(4000, 4999)];
      const scripts = {
        // The client's Close is here when the application hears of the message that comes with it.
        '/late': [accept, { do: 'receive', count: 1 }, { do: 'drain beside' }, { do: 'close', code: ours }],
        // Ours is on its way when the client sends its own.
        '/early': [accept, { do: 'drain beside' }, gate('close'), { do: 'close', code: ours }],
      } satisfies Record<string, Step[]>;
      const server = await world.call('serveLife', { scripts });
      const late = await PeerClient.open(world, server, '/late?late');
      late.send(text('close, please'), close(theirs));
      const early = await PeerClient.open(world, server, '/early?early');
      early.tcp.pause();
      await world.call('openGate', 'close');
      await told(world, 'early', 'closes');
      early.send(close(theirs));
      early.tcp.resume();
      for (const [who, client] of Object.entries({ late, early })) {
        const sent = `the application closes with ${ours}, the client with ${theirs}, at the same time`;
        await client.untilEnd({ sent });
        const code = client.closed?.code;
        const allowed = who === 'early' ? [ours] : [ours, theirs, 1000, 1005];
        check(code !== undefined && allowed.includes(code), { sent, received: client.describe(), expected: `one Close frame, with ${allowed.join(' or ')}` });
        await toldOnly(world, who, `disconnect ${theirs}`, { sent });
      }
      await expectNoConnections(world, 'Close frames from both sides');
      await expectNoReports(world, 'Close frames from both sides');
    },
  );

  rule(
    'nothing-after-their-close',
    'neither delivers nor minds what comes after the client\'s Close frame, and answers it all the same',
    {
      rule: 'after a Close frame there is no data (RFC 6455 §5.5.1): whatever follows is dropped, and is not an error. The answer leaves before the connection ends (§7.1.1)',
      likely: 'the loop goes on to the next frame after the Close frame, or the socket is destroyed before its output has gone',
    },
    async (world) => {
      const server = await world.call('serveLife', { scripts: { '/a': [accept, drain] } });
      const { random } = world;
      const after: Record<string, Buffer> = {
        message: Buffer.alloc(0),
        garbage: random.bytes(200),
        'a lot of garbage': random.bytes(400_000),
      };
      for (const [what, bytes] of Object.entries(after)) {
        const client = await PeerClient.open(world, server, `/a?${what.replaceAll(' ', '-')}`);
        const sent = `a message, Close 1000, and after it ${what}`;
        client.tcp.write(Buffer.concat([client.ws.bytesOf(text('before'), close(1000), text('after'), ping('after')), bytes]));
        await client.untilEnd({ sent });
        check(client.closed !== null && [1000, 1005].includes(client.closed.code) && client.pongs.length === 0, {
          sent, received: client.describe(), expected: 'Close 1000, no pong, and the end',
        });
        const who = what.replaceAll(' ', '-');
        await toldOnly(world, who, 'disconnect 1000', { sent });
        await toldOnly(world, who, 'message before', { sent });
      }
      await expectNoConnections(world, 'Close frames with something after them');
    },
  );

  rule(
    'close-has-a-deadline',
    'cuts a client that does not end a closed connection',
    {
      rule: 'a peer that does not answer a Close frame, or answers and does not end the connection, has `closeMs`; then the connection is cut. Nothing that it sends meanwhile gives it more time',
      likely: 'there is no deadline for the peer\'s answer, or each frame that arrives starts it again',
    },
    async (world) => {
      const scripts = {
        '/mute': [accept, { do: 'close' }, drain],
        '/talks': [accept, { do: 'close' }, drain],
        '/stuck': [accept, { do: 'burst', lengths: Array.from({ length: 300 }, () => 64 * KIB), letters: 'x', forgotten: true }, { do: 'close' }, drain],
        '/stays': [accept, drain],
      } satisfies Record<string, Step[]>;
      const server = await world.call('serveLife', { scripts, timeouts: { closeMs: 250 }, limits: { bufferedBytesMax: 64 * MIB }, bufferedBytesMax: 64 * MIB });

      const mute = await PeerClient.open(world, server, '/mute?mute');
      await mute.untilClose();
      await mute.untilEnd({ sent: 'nothing, although the server has sent Close', expected: 'the connection is cut' });
      await told(world, 'mute', 'disconnect 1006', { sent: 'nothing, although the server has sent Close' });

      const stuck = await PeerClient.open(world, server, '/stuck?stuck');
      stuck.tcp.pause();
      await told(world, 'stuck', 'disconnect 1006', { sent: 'nothing, and it does not read either: our Close frame is queued after 18 MB' });

      const stays = await PeerClient.open(world, server, '/stays?stays');
      stays.send(close(1000));
      await stays.untilServerEnds();
      await told(world, 'stays', 'disconnect 1000', { sent: 'Close 1000, and then the client does not end its side' });

      const talks = await PeerClient.open(world, server, '/talks?talks');
      await talks.untilClose();
      for (let round = 0; round < 3000 && !talks.tcp.ended && !talks.tcp.closed; round++) {
        talks.send(round % 2 === 0 ? text('still here') : ping('still here'));
        await world.settle();
        // However quick the machine is, the deadline comes first.
        if (round > 300) await world.subject.until(() => false, { patienceMs: 2 });
      }
      check(talks.tcp.ended || talks.tcp.closed, { sent: 'messages and pings, although the server has sent Close', received: 'the connection is open', expected: 'the connection is cut' });
      await expectNoConnections(world, 'clients that do not end what was closed');
    },
  );

  rule(
    'fails-while-closing',
    'ends the connection of a client that breaks the protocol after our Close frame, and says nothing more',
    {
      rule: 'a broken frame fails the connection (RFC 6455 §7.1.7) even while it is being closed; but each side sends one Close frame, and ours is on its way (§5.5.1)',
      likely: '`fail` sends a Close frame, whatever the state of the machine',
    },
    async (world) => {
      const server = await world.call('serveLife', { scripts: { '/a': [accept, { do: 'close', code: 3000 }, drain] } });
      const { random } = world;
      const broken: Record<string, (client: PeerClient) => Buffer> = {
        'a frame without a mask': () => Buffer.from([0x81, 1, 0x41]),
        'a reserved bit': (client) => client.ws.bytesOf({ ...text('x'), rsv: random.integer(1, 3) }),
        'a reserved opcode': (client) => client.ws.bytesOf({ opcode: random.integer(3, 7), payload: '' }),
        'half a close code': (client) => client.ws.bytesOf({ opcode: 8, payload: 'x' }),
      };
      for (const [index, [what, bytes]] of Object.entries(broken).entries()) {
        const sent = `the server has sent Close 3000, the client sends ${what}`;
        const client = await PeerClient.open(world, server, `/a?${index}`);
        await client.untilClose();
        client.tcp.write(bytes(client));
        await client.untilEnd({ sent });
        check(client.closed?.code === 3000, { sent, received: client.describe(), expected: 'Close 3000 alone, and the end' });
        await told(world, `${index}`, 'returned', { sent });
      }
      await expectNoConnections(world, 'broken frames while closing');
      await expectNoReports(world, 'broken frames while closing');
    },
  );

  rule(
    'gone-without-a-word',
    'tells the application 1006 when the connection ends without a Close frame',
    {
      rule: 'without a Close frame the code is 1006 (RFC 6455 §7.1.5, A81), whether the connection was ended or reset. Messages that were complete by then are delivered first; half a message is not one',
      likely: 'the code listens only for `end` or only for `error`, or hands over half a message at the end',
    },
    async (world) => {
      const server = await world.call('serveLife', { scripts: { '/a': [accept, drain] } });
      const { random } = world;
      const half = random.words(20);
      const whole = random.word();
      const beginnings: Record<string, readonly [what: string, frames: readonly Frame[], cutBytes: number]> = {
        nothing: ['nothing', [], 0],
        head: ['half a frame\'s head', [text(half)], Buffer.byteLength(half) + 5],
        payload: ['half a frame', [text(half)], random.integer(1, 20)],
        fragment: ['half a message', [text(half, false)], 0],
        close: ['half a Close frame', [close(1000, 'bye')], 2],
      };
      for (const end of ['FIN', 'RST'] as const) {
        for (const [name, [what, frames, cutBytes]] of Object.entries(beginnings)) {
          const who = `${name}-${end}`;
          const sent = `a message, ${what}, and then ${end}`;
          const client = await PeerClient.open(world, server, `/a?${who}`);
          client.send(text(whole));
          await told(world, who, `message ${whole}`, { sent });
          const bytes = client.ws.bytesOf(...frames);
          client.tcp.write(bytes.subarray(0, bytes.length - cutBytes));
          await world.settle();
          if (end === 'FIN') client.tcp.end();
          else client.tcp.resetNow();
          await toldOnly(world, who, 'disconnect 1006', { sent });
          await toldOnly(world, who, `message ${whole}`, { sent });
          if (end === 'FIN') await client.untilEnd({ sent });
        }
      }
      await expectNoConnections(world, 'clients that are gone');
      await expectNoReports(world, 'clients that are gone');
    },
  );

  rule(
    'gone-before-it-opens',
    'notices that a client has gone while the application was deciding',
    {
      rule: 'a client may end its side before its handshake is answered. Whatever the application decides then, it is told that the client has gone, with 1006 (A78, A81), what the client sent before that is given first, and the connection does not stay open',
      likely: "the socket has emitted 'end' before the WebSocket listened, and does not emit it again",
    },
    async (world) => {
      const never = { heartbeatMs: NEVER_MS, pongMs: NEVER_MS, closeMs: NEVER_MS };
      const server = await world.call('serveLife', { scripts: { '/a': [gate('decide'), accept, drain] }, timeouts: never });
      const key = world.random.bytes(16).toString('base64');
      const message = world.random.words(2);
      const before: Record<string, readonly Frame[]> = { nothing: [], message: [text(message)], close: [text(message), close(1000)] };
      for (const [who, frames] of Object.entries(before)) {
        const tcp = await world.connect(server, { label: who });
        const bytes = frames.map((frame) => clientFrame(frame, world.random.bytes(4)));
        tcp.write(Buffer.concat([handshakeBytes(key, { path: `/a?${who}` }), ...bytes])).end();
      }
      await world.settle();
      await world.call('openGate', 'decide');
      for (const [who, frames] of Object.entries(before)) {
        const sent = `a handshake, ${frames.length === 0 ? 'nothing more' : frames.length === 1 ? 'a message' : 'a message, Close 1000'} and the end of its side, before the application has accepted`;
        await world.call('told', [`${who}: disconnect`, `${who}: returned`]).catch(() => undefined);
        const story = await storyOf(world, who);
        // An application whose WebSocket was never opened may be told so by a send that rejects (A58).
        const refused = !story.includes('open');
        const code = frames.length === 2 ? '1000' : '1006';
        const heard = story.includes(`disconnect ${code}`) && (frames.length === 0 || story.includes(`message ${message}`));
        check(refused || heard, { sent, received: showStory(story), expected: `the application is told: ${frames.length === 0 ? '' : 'the message, then '}disconnect ${code}` });
      }
      await expectNoConnections(world, 'clients that ended their side before they were answered');
    },
  );

  rule(
    'closes-for-the-application',
    'closes for an application that returns with 1000, and for one that throws with 1011',
    {
      rule: 'an application that returns while the WebSocket is open closes it with 1000 (A87), one that throws with 1011, and nothing of its error reaches the client (A88). If it throws before it has accepted, the server answers 500 (A77). What was thrown is reported, once',
      likely: 'nothing happens when the application ends, or `fail` assumes that a Close frame may still be sent when one has been',
    },
    async (world) => {
      const secret = world.random.word(12, 14);
      const scripts = {
        '/returns': [accept, { do: 'send', data: 'first' }],
        '/throws': [accept, { do: 'send', data: 'first' }, { do: 'throw', message: secret }],
        '/throws-later': [accept, { do: 'send', data: 'first' }, { do: 'receive', count: 1 }, { do: 'throw', message: secret }],
        '/throws-too-late': [accept, { do: 'close', code: 3000 }, { do: 'throw', message: secret }],
        '/throws-first': [{ do: 'throw', message: secret }],
      } satisfies Record<string, Step[]>;
      const server = await world.call('serveLife', { scripts });
      const cases = [['/returns', 1000, 1], ['/throws', 1011, 1], ['/throws-later', 1011, 1], ['/throws-too-late', 3000, 0]] as const;
      for (const [path, code, messages] of cases) {
        const sent = `an application that ${path.slice(1).replaceAll('-', ' ')}`;
        const client = await PeerClient.open(world, server, path);
        if (path === '/throws-later') client.send(text('throw'));
        await client.answerClose({ sent });
        check(client.closed?.code === code && client.messages.length === messages, { sent, received: client.describe(), expected: `${messages} message, Close ${code}` });
        check(!client.bytes.includes(secret), { sent, received: 'the message of the error', expected: 'nothing of the error reaches the client' });
      }
      const http = await world.http(server);
      http.sendBytes(handshakeBytes(world.random.bytes(16).toString('base64'), { path: '/throws-first' }));
      const { status, body } = await http.response();
      check(status === 500 && !body.includes(secret), { sent: 'a handshake whose application throws', received: `${status} ${body.toString()}`, expected: '500, and nothing of the error' });
      http.tcp.end();
      await expectNoConnections(world, 'applications that return and throw');
      const reports = await world.call('reports');
      check(reports.length === 4 && reports.every(({ message }) => message === secret), {
        sent: 'four applications that throw', received: `${reports.length} reports: ${reports.map(({ message }) => message).join('; ')}`, expected: 'each is reported once',
      });
    },
  );

  rule(
    'pings-the-silent',
    'sends pings to a silent client, and keeps it if it answers',
    {
      rule: 'a connection on which nothing has arrived for `heartbeatMs` is sent a ping; a pong shows that somebody is there (RFC 6455 §5.5.2, §5.5.3), so the connection stays, however many pings are sent',
      likely: 'the heartbeat does not start again after an answer, or an answer is not recognised',
    },
    async (world) => {
      const [heartbeatMs, pongMs] = [40, 800];
      const server = await world.call('serveLife', { scripts: { '/echo': [accept, echo] }, timeouts: { heartbeatMs, pongMs } });
      const client = await PeerClient.open(world, server, '/echo?a');
      const sent = 'nothing but answers to pings';
      await client.until(() => client.pings.length > 0, { sent, expected: 'a ping' });
      // Longer than one answer may take, and more than one ping.
      const first = performance.now();
      await client.until(() => client.pings.length >= 3 && performance.now() - first > 1.5 * pongMs, { sent, expected: 'ping after ping', patienceMs: 3 * pongMs });
      const message = world.random.words(3);
      client.send(text(message));
      await client.untilMessages(1, { sent: 'a message, after all these pings' });
      check(client.texts[0] === message, { sent, received: client.describe(), expected: 'the echo of the message' });
      client.send(close(1000));
      await client.untilEnd({ sent: 'Close 1000' });
    },
  );

  rule(
    'finds-the-vanished',
    'finds a client that has vanished, and tells the application 1006',
    {
      rule: 'a peer whose cable was pulled sends no FIN: a peer that was sent a ping and is silent for another `pongMs` is cut (A81: 1006)',
      likely: 'pings are sent, and nothing checks whether they are answered',
    },
    async (world) => {
      const server = await world.call('serveLife', { scripts: { '/a': [accept, drain] }, timeouts: { heartbeatMs: 40, pongMs: 60 } });
      const sent = 'nothing at all, not even pongs';
      const silent = await PeerClient.open(world, server, '/a?silent', { pongs: false });
      // A server that asks for ever is never done, and never silent.
      await silent.until(() => silent.pings.length > 20 || silent.tcp.ended || silent.tcp.closed, { sent, expected: 'the connection is cut' });
      check(silent.tcp.ended || silent.tcp.closed, { sent, received: silent.describe(), expected: 'a ping, and when nothing comes the connection is cut' });
      await silent.untilEnd({ sent, expected: 'the connection is cut' });
      await toldOnly(world, 'silent', 'disconnect 1006', { sent });
      const spoke = await PeerClient.open(world, server, '/a?spoke', { pongs: false });
      spoke.send(text('hello'), text('half', false));
      await spoke.untilEnd({ sent: 'a message and a half, and then nothing', expected: 'the connection is cut' });
      await toldOnly(world, 'spoke', 'disconnect 1006', { sent });
      // It was asked before it was given up.
      check(silent.pings.length > 0 && spoke.pings.length > 0, { sent, received: silent.describe(), expected: 'a ping before the cut' });
      await expectNoConnections(world, sent);
    },
  );

  rule(
    'hears-whom-it-listens-to',
    'does not give up a client from which it is not reading',
    {
      rule: 'as long as reading is paused (A82) a client cannot be heard, whatever it sends: the silence is our doing, so the connection is not cut',
      likely: 'the heartbeat checks whether something was heard, and not whether anybody was listening',
    },
    async (world) => {
      const scripts = { '/a': [accept, gate('receive'), drain], '/silent': [accept, drain] } satisfies Record<string, Step[]>;
      const server = await world.call('serveLife', { scripts, timeouts: { heartbeatMs: 40, pongMs: 300 } });
      const client = await PeerClient.open(world, server, '/a?a');
      const count = 40;
      const filler = 'x'.repeat(32 * KIB);
      for (let index = 0; index < count; index++) client.send(text(`${index} ${filler}`));
      const sent = `${count} messages of 32 KiB, which the application does not receive for a while`;
      // Two who are silent, one after the other: when they have been given up, this one would have been, too.
      for (const who of ['first', 'second']) {
        const silent = await PeerClient.open(world, server, `/silent?${who}`, { pongs: false });
        const cut = (): boolean => {
          // A client that is pinged answers, though it may not be heard.
          client.read();
          return silent.tcp.ended || silent.tcp.closed;
        };
        await silent.until(cut, { sent: 'nothing', expected: 'the connection is cut' });
        silent.tcp.end();
      }
      check(!client.tcp.ended && !client.tcp.closed, { sent, received: client.describe(), expected: 'the connection stays' });
      await world.call('openGate', 'receive');
      client.send(close(1000));
      await client.untilEnd({ sent });
      await told(world, 'a', 'disconnect 1000', { sent });
      const messages = (await storyOf(world, 'a')).filter((line) => line.startsWith('message '));
      check(messages.length === count, { sent, received: `${messages.length} messages were received`, expected: `${count}` });
    },
  );

  rule(
    'heartbeat-by-default',
    'has a heartbeat even if nobody has asked for one',
    {
      rule: 'a server has a heartbeat unless it was told otherwise: without one, a client that has vanished stays for ever (the clock of this test runs a hundred times faster)',
      likely: 'the heartbeat starts only if its times are given',
    },
    async (world) => {
      const server = await world.call('serveLife', { scripts: { '/a': [accept, drain] }, faster: 100 });
      const sent = 'nothing, for minutes';
      const client = await PeerClient.open(world, server, '/a?a', { pongs: false });
      await client.until(() => client.pings.length > 0, { sent, expected: 'a ping within a minute and a half' });
      await told(world, 'a', 'disconnect 1006', { sent, expected: 'the client is given up after some minutes' });
      await expectNoConnections(world, sent);
    },
  );

  rule(
    'answers-pings',
    'answers pings with the data that they carry, and ignores pongs that nobody has asked for',
    {
      rule: 'a ping is answered with a pong that has the same data; of several that wait for an answer, only the newest need be answered (RFC 6455 §5.5.2, §5.5.3). A pong that answers nothing is not answered itself, is not a message, and ends nothing (§5.5.3)',
      likely: 'pongs reach the application, or a ping is answered without its data',
    },
    async (world) => {
      const server = await world.call('serveLife', { scripts: { '/echo': [accept, echo] } });
      const { random } = world;
      const data = Array.from({ length: 30 }, (_, index) => Buffer.concat([Buffer.of(index), random.bytes(index === 29 ? 124 : random.integer(0, 124))]));
      const client = await PeerClient.open(world, server, '/echo?a');
      const frames = data.flatMap((bytes) => [ping(bytes), pong(random.bytes(random.integer(0, 125)))]);
      client.send(...frames.slice(0, 20), text('be', false), ...frames.slice(20, 30), continuation('tween'), ...frames.slice(30));
      const sent = `${data.length} pings, as many pongs, and a message between them`;
      await client.until(() => client.pongs.at(-1)?.equals(data.at(-1)!) === true && client.messages.length > 0, { sent, expected: 'pongs, the last of them for the last ping, and the echo' });
      const empty = await PeerClient.open(world, server, '/echo?empty');
      empty.send(ping(''), text('after'));
      await empty.until(() => empty.pongs.length > 0 && empty.messages.length > 0, { sent: 'a ping without data, and a message', expected: 'a pong, and the echo' });
      check(empty.pongs[0]!.length === 0, { sent: 'a ping without data', received: empty.describe(), expected: 'a pong without data' });
      client.send(close(1000));
      await client.untilEnd({ sent });
      check(client.texts.join() === 'between' && client.closed !== null && [1000, 1005].includes(client.closed.code), { sent, received: client.describe(), expected: 'the echo of one message, and Close 1000' });
      const answered = client.pongs.map((bytes) => data.findIndex((one) => one.equals(bytes)));
      check(answered.every((index, at) => index > (answered[at - 1] ?? -1)), {
        sent, received: client.describe(), expected: 'for each ping at most one pong, with its data, in their order',
      });
    },
  );

  rule(
    'ping-flood-ends',
    'limits how many pings it answers in a second',
    {
      rule: 'answers cost something: `pingsPerSecondMax` pings are answered within a second, and a client that sends more is closed with 1008, policy violation (RFC 6455 §7.4.1)',
      likely: 'every ping is answered, however many there are',
    },
    async (world) => {
      const pingsPerSecondMax = world.random.integer(20, 60);
      const server = await world.call('serveLife', { scripts: { '/a': [accept, drain] }, limits: { pingsPerSecondMax } });
      const few = await PeerClient.open(world, server, '/a?few');
      few.send(...Array.from({ length: pingsPerSecondMax }, (_, index) => ping(`${index + 1}`)));
      await few.until(() => few.pongs.at(-1)?.toString() === `${pingsPerSecondMax}`, { sent: `${pingsPerSecondMax} pings`, expected: 'a pong for the last of them' });
      const many = await PeerClient.open(world, server, '/a?many');
      const flood = pingsPerSecondMax * 20;
      const sent = `${flood} pings at once, where ${pingsPerSecondMax} a second are allowed`;
      many.send(...Array.from({ length: flood }, () => ping('many')));
      await many.untilEnd({ sent, expected: 'Close 1008, and the end' });
      check(many.closed === null || many.closed.code === 1008, { sent, received: many.describe(), expected: 'Close 1008, and the end' });
      check(many.pongs.length <= pingsPerSecondMax * 5, { sent, received: many.describe(), expected: `not many more pongs than ${pingsPerSecondMax}` });
      await told(world, 'many', 'returned', { sent });
      const last = (await storyOf(world, 'many')).at(-2) ?? '';
      check(last.startsWith(many.closed === null ? 'disconnect ' : 'disconnect 1008'), { sent, received: showStory([last]), expected: 'the application is told the code that the server closed with (A81)' });
      few.send(close(1000));
      await few.untilEnd({ sent: 'Close 1000, from a client that has sent few pings' });
    },
  );

  rule(
    'holds-up-the-application',
    'holds up an application whose client does not read, and lets it go on when it reads',
    {
      rule: '`send` resolves when there is room for more, and not while more than the high-water mark waits for the client (A30): an application that awaits it is as slow as the client. When the client reads again, it goes on, and nothing is lost',
      likely: '`send` returns true however much waits, or `drained` resolves too early, or never',
    },
    async (world) => {
      const [count, bytes] = [400, 64 * KIB];
      for (const highWaterBytes of [undefined, 8 * KIB]) {
        const who = `mark-${highWaterBytes ?? 'default'}`;
        const server = await world.call('serveLife', {
          scripts: { '/a': [accept, { do: 'drain beside' }, gate(who), { do: 'flood', count, bytes }] },
          ...(highWaterBytes !== undefined && { limits: { highWaterBytes } }),
        });
        const client = await PeerClient.open(world, server, `/a?${who}`);
        client.tcp.pause();
        await world.call('openGate', who);
        const sent = `${count} messages of 64 KiB, each awaited, to a client that does not read`;
        const taken = await standstill(world, () => world.call('flooded', who));
        check(taken < count * 0.6, { sent, received: `${taken} of them were taken`, expected: 'the application waits, as soon as the kernel takes no more' });
        check(taken > 0, { sent, received: 'none was taken', expected: 'what the kernel takes' });
        check(!client.tcp.closed && (await storyOf(world, who)).every((line) => !line.startsWith('disconnect')), { sent, received: showStory(await storyOf(world, who)), expected: 'the connection stays' });
        client.tcp.resume();
        await client.untilMessages(count, { sent: `${sent}, and then reads`, expected: 'all of them' });
        const wrong = client.messages.findIndex(({ data }, index) => data.length !== bytes || data.readUInt32BE(0) !== index || data.at(-1) !== (index & 0xff));
        check(wrong === -1, { sent, received: `another message in place of the ${wrong + 1}th`, expected: 'all of them, in their order' });
        await told(world, who, 'flooded', { sent });
        client.send(close(1000));
        await client.untilEnd({ sent });
      }
      await expectNoReports(world, 'a client that does not read for a while');
    },
  );

  rule(
    'one-long-message',
    'sends one message of any length to a client that reads, if the application waits for it',
    {
      rule: 'the limit is on what waits when the next message is sent: an application that awaits each `send` has nothing waiting, and does nothing wrong. To the application, a connection that our own limit cuts looks as if the client had left (A32, A58)',
      likely: 'the message itself is counted against `bufferedBytesMax`, so that one message above it cuts the connection, even of an application that waits',
    },
    async (world) => {
      const bytes = 5 * MIB;
      const server = await world.call('serveLife', {
        scripts: { '/a': [accept, { do: 'drain beside' }, { do: 'flood', count: 3, bytes }] },
        limits: { bufferedBytesMax: MIB },
      });
      const sent = 'three messages of 5 MiB, each awaited; 1 MiB may wait when another is sent';
      const client = await PeerClient.open(world, server, '/a?a');
      await client.untilMessages(3, { sent, expected: 'all three messages, whole' });
      check(client.messages.every(({ data }) => data.length === bytes), { sent, received: client.describe(), expected: 'messages of 5 MiB' });
      await told(world, 'a', 'flooded', { sent });
      client.send(close(1000));
      await client.untilEnd({ sent });
      await expectNoReports(world, sent);
    },
  );

  rule(
    'cuts-a-client-that-takes-too-much',
    'cuts the connection of an application that does not wait, before the memory is gone',
    {
      rule: 'if more than `bufferedBytesMax` waits for a client, the connection is cut, or what is sent is refused (A39): the code is 1006, or 1011 if the application lets that error through',
      likely: '`send` keeps whatever it is given',
    },
    async (world) => {
      const lengths = Array.from({ length: 600 }, () => 64 * KIB);
      const server = await world.call('serveLife', {
        scripts: { '/a': [accept, { do: 'drain beside' }, gate('go'), { do: 'burst', lengths, letters: 'x' }] },
        limits: { bufferedBytesMax: 2 * MIB },
        // The application's side refuses nothing: it is the WebSocket that has to.
        bufferedBytesMax: WITHOUT_LIMIT,
      });
      const client = await PeerClient.open(world, server, '/a?a');
      client.tcp.pause();
      const sent = '38 MB to a client that does not read, without awaiting; 2 MB may wait';
      await world.call('openGate', 'go');
      await told(world, 'a', 'disconnect 1006', { sent });
      await expectNoConnections(world, sent);
    },
  );

  rule(
    'pongs-do-not-pile-up',
    'does not pile up pongs for a client that does not read',
    {
      rule: 'while output waits, `pendingPongsMax` pongs may wait with it; of any further pings, only the newest is answered, when there is room again (RFC 6455 §5.5.3)',
      likely: 'each ping adds a pong to what waits: a client that sends pings and never reads fills the server\'s memory',
    },
    async (world) => {
      const pendingPongsMax = 4;
      const [count, bytes, floods] = [3000, 64 * KIB, 256];
      const server = await world.call('serveLife', {
        scripts: { '/a': [accept, { do: 'drain beside' }, { do: 'flood', count: floods, bytes }, gate('end')] },
        limits: { pendingPongsMax, pingsPerSecondMax: WITHOUT_LIMIT },
      });
      const client = await PeerClient.open(world, server, '/a?a');
      client.tcp.pause();
      await standstill(world, () => world.call('flooded', 'a'));
      const sent = `${count} pings from a client that does not read`;
      const pings = Array.from({ length: count }, (_, index) => ping(`${index} `.padEnd(120, 'x')));
      client.send(...pings, text('after'));
      await told(world, 'a', 'message after', { sent, expected: 'the message after the pings is read' });
      client.tcp.resume();
      const newest = pings.at(-1)!.payload as string;
      await client.until(() => client.pongs.at(-1)?.toString() === newest, { sent, expected: 'the newest ping is answered when the client reads again' });
      check(client.pongs.length <= pendingPongsMax * 10, { sent, received: client.describe(), expected: `about ${pendingPongsMax} pongs, and the newest one` });
      await client.untilMessages(floods, { sent, expected: 'all that the application has sent' });
    },
  );

  rule(
    'stops-reading',
    'stops reading when the application does not receive, and loses nothing',
    {
      rule: 'messages that nobody receives are kept up to a limit; beyond it, the server reads no more (A82), and the client has to wait. When the application receives again, they come in order',
      likely: 'messages are queued without a limit, or the socket is paused and never resumed',
    },
    async (world) => {
      const server = await world.call('serveLife', { scripts: { '/a': [accept, gate('receive'), drain] } });
      const client = await PeerClient.open(world, server, '/a?a');
      const [count, filler] = [1000, 'x'.repeat(32 * KIB)];
      const total = count * filler.length;
      for (let index = 0; index < count; index++) client.send(text(`${index} ${filler}`));
      const sent = `${count} messages of 32 KiB, which the application does not receive`;
      const flushed = await standstill(world, () => client.tcp.flushedBytes);
      check(flushed < total * 0.7, { sent, received: `the server has read ${Math.round(flushed / MIB)} MB of them`, expected: 'it reads no more when enough of them wait' });
      await world.call('openGate', 'receive');
      client.send(text('last'), close(1000));
      await client.untilEnd({ sent: `${sent}, until it does` });
      await told(world, 'a', 'disconnect 1000', { sent: `${sent}, until it does` });
      const messages = (await storyOf(world, 'a')).filter((line) => line.startsWith('message ')).map((line) => line.slice('message '.length));
      check(messages.length === count + 1 && messages.every((line, index) => index === count ? line === 'last' : line.startsWith(`${index} x`)), {
        sent, received: `${messages.length} messages, the last of them ${messages.at(-1)?.slice(0, 20)}`, expected: `${count + 1} messages in their order`,
      });
    },
  );

  rule(
    'in-their-order',
    'sends what is sent in one turn in the order in which it was sent',
    {
      rule: 'events are taken in the order of the calls (A30), whether they are awaited or not, short or long, text or binary',
      likely: 'short messages are gathered, and long ones are written at once and overtake them',
    },
    async (world) => {
      const { random } = world;
      const lengths = Array.from({ length: 120 }, (_, index) => random.pick([random.integer(8, 40), random.integer(100, 70_000), index % 7 === 0 ? 200_000 : 12]));
      const letters = random.word();
      const server = await world.call('serveLife', {
        scripts: { '/a': [accept, { do: 'burst', lengths, letters }, drain] }, bufferedBytesMax: 64 * MIB, limits: { bufferedBytesMax: 64 * MIB },
      });
      const client = await PeerClient.open(world, server, '/a?a');
      const sent = `${lengths.length} messages in one turn`;
      await client.untilMessages(lengths.length, { sent });
      for (const [index, { data, type }] of client.messages.entries()) {
        const expected = numbered(index, lengths[index]!, letters);
        check(data.toString() === expected && type === (index % 2 === 0 ? 'text' : 'binary'), {
          sent, received: `as the ${index + 1}th: ${type} of ${data.length} bytes, ${data.toString('latin1', 0, 20)}…`, expected: `${index % 2 === 0 ? 'text' : 'binary'} of ${expected.length} bytes, ${expected.slice(0, 20)}…`,
        });
      }
    },
  );

  rule(
    'goes-away-with-1001',
    'closes with 1001 for everybody when the server stops, and waits for them',
    {
      rule: 'a server that is told to stop accepts no more, closes its WebSockets with 1001, and cuts what does not answer (A100, RFC 6455 §7.4.1: going away). It has stopped when the last connection has ended',
      likely: 'connections that have become WebSockets are not counted among those that have to end, or are only cut',
    },
    async (world) => {
      const server = await world.call('serveLife', { scripts: { '/a': [accept, drain] }, timeouts: { closeMs: NEVER_MS } });
      const clients: PeerClient[] = [];
      for (let index = 0; index < 12; index++) clients.push(await PeerClient.open(world, server, `/a?${index}`));
      // One of them is in the middle of a message.
      clients[0]!.send(text('half of it', false));
      await world.settle();
      const sent = 'the server is told to stop';
      await world.call('beginStop', NEVER_MS);
      for (const client of clients) {
        const { code } = await client.untilClose({ sent, expected: 'Close 1001' });
        check(code === 1001, { sent, received: client.describe(), expected: 'Close 1001' });
      }
      // A server that does not wait for them has had every chance to say that it has stopped.
      for (let times = 0; times < 6; times++) await world.settle();
      check(!(await world.call('events')).includes('stopped'), { sent, received: 'it says that it has stopped', expected: 'it waits for those that have not answered yet' });
      for (const client of clients) await client.answerClose({ sent });
      for (const index of clients.keys()) await told(world, `${index}`, 'disconnect 1001', { sent });
      await stopped(world, sent);
      await expectNoConnections(world, sent);
      const late = world.client(server);
      late.write(handshakeBytes(world.random.bytes(16).toString('base64')));
      await late.until(() => late.closed || late.reset, { sent: 'a handshake for a server that has stopped', expected: 'the connection is refused' });
    },
  );

  rule(
    'stops-in-time',
    'cuts at its own deadline what has not ended when the server stops',
    {
      rule: 'what is not over in time is cut (A100): the deadline for the server\'s stop is also one for its WebSockets',
      likely: 'the server waits for its WebSockets, however long they take',
    },
    async (world) => {
      const server = await world.call('serveLife', { scripts: { '/a': [accept, drain] }, timeouts: { closeMs: NEVER_MS } });
      for (let index = 0; index < 3; index++) await PeerClient.open(world, server, `/a?${index}`);
      const sent = 'the server is told to stop within 50 ms, and nobody answers its Close frames';
      await world.call('beginStop', 50);
      await stopped(world, sent);
      await expectNoConnections(world, sent);
      for (let index = 0; index < 3; index++) await told(world, `${index}`, 'disconnect 1006', { sent });
    },
  );

  rule(
    'two-hundred-at-once',
    'has forgotten two hundred connections when they are gone at once',
    {
      rule: 'whatever a connection is in the middle of, once it has ended it is no longer counted, waited for or kept',
      likely: 'a connection is taken off the list when its Close frame comes, and not when it ends',
    },
    async (world) => {
      const scripts = { '/drain': [accept, drain], '/flood': [accept, { do: 'drain beside' }, gate('go'), { do: 'flood', count: 1000, bytes: 64 * KIB }], '/close': [accept, { do: 'close' }, drain] } satisfies Record<string, Step[]>;
      const server = await world.call('serveLife', { scripts, timeouts: { heartbeatMs: NEVER_MS, closeMs: NEVER_MS } });
      const paths = Array.from({ length: 200 }, (_, index) => index % 10 === 0 ? '/flood' : index % 10 === 1 ? '/close' : '/drain');
      const clients: PeerClient[] = [];
      for (const [index, path] of paths.entries()) {
        const client = await PeerClient.open(world, server, `${path}?${index}`);
        client.tcp.pause();
        if (index % 3 === 0) client.send(text('half of it', false));
        clients.push(client);
      }
      await world.call('openGate', 'go');
      await world.settle();
      check((await world.call('connections')) === clients.length, { sent: '200 WebSockets', received: `the server counts ${await world.call('connections')}`, expected: '200' });
      const sent = '200 WebSockets, reset at once';
      for (const client of clients) client.tcp.resetNow();
      await expectNoConnections(world, sent);
      for (const [index, path] of paths.entries()) if (path !== '/flood') await told(world, `${index}`, 'disconnect 1006', { sent });
      await expectNoReports(world, sent);
      const again = await PeerClient.open(world, server, '/drain?again');
      again.send(close(1000));
      await again.untilEnd({ sent: `${sent}, and then one more that closes` });
      await world.call('beginStop', NEVER_MS);
      await stopped(world, sent);
    },
  );

  rule(
    'pong-has-its-own-time',
    'waits for a pong as long as `pongMs` says, and not as long as for a message',
    {
      rule: 'a peer that was sent a ping has `pongMs` to be heard, however short `heartbeatMs` is, and is not sent another ping in the meantime',
      likely: 'the deadline after a ping is `heartbeatMs` again',
    },
    async (world) => {
      const scripts = { '/a': [accept, drain] } satisfies Record<string, Step[]>;
      const patient = await world.call('serveLife', { scripts, timeouts: { heartbeatMs: 40, pongMs: NEVER_MS } });
      const impatient = await world.call('serveLife', { scripts, timeouts: { heartbeatMs: 40, pongMs: 40 } });
      const client = await PeerClient.open(world, patient, '/a?a', { pongs: false });
      const sent = 'nothing, not even a pong; heartbeatMs is short, and pongMs longer than this test';
      await client.until(() => client.pings.length > 0, { sent, expected: 'a ping' });
      // Three who have as little time for a pong as for a message: when they have been given up, so would this one have been.
      for (const who of ['first', 'second', 'third']) {
        const silent = await PeerClient.open(world, impatient, `/a?${who}`, { pongs: false });
        await silent.untilEnd({ sent: 'nothing; heartbeatMs and pongMs are short', expected: 'the connection is cut' });
      }
      client.read();
      check(!client.tcp.ended && !client.tcp.closed && client.pings.length === 1, { sent, received: client.describe(), expected: 'one ping, and the connection stays' });
      client.send(pong(''), close(1000));
      await client.untilEnd({ sent: 'a pong, and Close 1000' });
      await told(world, 'a', 'disconnect 1000', { sent: 'a pong, and Close 1000' });
    },
  );

  rule(
    'pings-of-one-second',
    'counts the pings of one second, no longer and no shorter',
    {
      rule: '`pingsPerSecondMax` pings within a second are answered, and more of them are too many; when that second is over, the same number is answered again (the clock of this test moves when it is told to)',
      likely: 'the time between two pings is compared with something other than 1,000 milliseconds, or the count is never reset',
    },
    async (world) => {
      const pingsPerSecondMax = world.random.integer(10, 15);
      const server = await world.call('serveLife', { scripts: { '/a': [accept, drain] }, limits: { pingsPerSecondMax }, standing: true });
      const pings = (from: number, to: number): Frame[] => Array.from({ length: to - from }, (_, index) => ping(`${from + index + 1}`));
      // Of several pings the newest alone may be answered.
      const lastOf = ({ pongs }: PeerClient): string | undefined => pongs.at(-1)?.toString();
      const steady = await PeerClient.open(world, server, '/a?steady');
      let sentPings = 0;
      const answered = async (count: number, sent: string): Promise<void> => {
        steady.send(...pings(sentPings, sentPings + count));
        sentPings += count;
        await steady.until(() => lastOf(steady) === `${sentPings}` || steady.closed !== null, { sent, expected: 'a pong for the last of them' });
        check(steady.closed === null, { sent, received: steady.describe(), expected: 'a pong for the last of them, and the connection stays' });
      };
      for (let second = 1; second <= 3; second++) {
        await answered(pingsPerSecondMax, `${pingsPerSecondMax} pings at once, for the ${second}. time, 1.1 seconds apart; as many within a second are allowed`);
        await world.call('moveClock', 1100);
      }
      for (let count = 0; count < 12; count++) {
        await answered(2, `2 pings each 300 ms; ${pingsPerSecondMax} a second are allowed`);
        await world.call('moveClock', 300);
      }
      steady.send(close(1000));
      await steady.untilEnd({ sent: 'Close 1000' });
      for (const laterMs of [300, 800]) {
        const sent = `${pingsPerSecondMax} pings, and ${laterMs} ms later one more; ${pingsPerSecondMax} a second are allowed`;
        const many = await PeerClient.open(world, server, `/a?${laterMs}`);
        many.send(...pings(0, pingsPerSecondMax));
        await many.until(() => lastOf(many) === `${pingsPerSecondMax}`, { sent, expected: 'a pong for the last of those that are allowed' });
        await world.call('moveClock', laterMs);
        many.send(ping('more'));
        await many.until(() => many.closed !== null || lastOf(many) === 'more' || many.tcp.ended || many.tcp.closed, { sent, expected: 'Close 1008, and the end' });
        check(lastOf(many) !== 'more' && (many.closed === null || many.closed.code === 1008), { sent, received: many.describe(), expected: 'Close 1008, and the end' });
        await many.untilEnd({ sent, expected: 'Close 1008, and the end' });
      }
    },
  );

  rule(
    'one-deadline-for-the-end',
    'gives no more time to a client that breaks the protocol after our Close frame',
    {
      rule: '`closeMs` counts from our Close frame to the end of the connection. A broken frame that comes in the meantime fails the connection, and adds nothing to the time that is left (the clock of this test moves when it is told to)',
      likely: '`fail` sets the deadline, although it was set when our Close frame was sent',
    },
    async (world) => {
      const scripts = { '/closes': [accept, { do: 'close', code: 3000 }, drain], '/stays': [accept, drain] } satisfies Record<string, Step[]>;
      const server = await world.call('serveLife', { scripts, timeouts: { heartbeatMs: 40, pongMs: NEVER_MS, closeMs: 5000 }, standing: true });
      const client = await PeerClient.open(world, server, '/closes?a');
      await client.untilClose();
      await world.call('moveClock', 3000);
      // When somebody who came later is pinged, the server has seen that its clock has moved.
      const witness = await PeerClient.open(world, server, '/stays?witness');
      for (let moves = 0; moves < 200 && witness.pings.length === 0; moves++) {
        await world.call('moveClock', 30);
        await world.settle();
        witness.read();
      }
      witness.send(close(1000));
      await witness.untilEnd({ sent: 'Close 1000' });
      const sent = '3 seconds after Close 3000 from the server a frame without a mask, and then nothing; closeMs is 5,000';
      if (!client.tcp.closed) client.tcp.write(Buffer.from([0x81, 1, 0x41]));
      await client.untilServerEnds({ sent });
      await world.call('moveClock', 3000);
      await expectNoConnections(world, `${sent}: 3 seconds more have passed`);
    },
  );

  rule(
    'drained-and-not-filled-again',
    'resolves `drained` when no more waits than the mark allows, and not before',
    {
      rule: '`drained` gives true when no more waits for the client than `highWaterBytes`; what was sent after it was asked counts, too (A30: `send` does not resolve while more waits)',
      likely: '`drained` waits until what was there has gone, and does not check again',
    },
    async (world) => {
      const highWaterBytes = world.random.integer(16, 64) * KIB;
      const server = await world.call('serveSender', MIB, { highWaterBytes, bufferedBytesMax: 256 * MIB });
      const client = await PeerClient.open(world, server, '/');
      client.tcp.pause();
      await world.call('openGate', 'send');
      const sent = '16 messages of 1 MiB and `drained()`, and as soon as some of that has gone 16 messages more';
      await noted(world, 'waits', { sent });
      client.tcp.resume();
      await noted(world, 'sent', { sent });
      const [, drained, waiting] = (await firstOf(world, ['drained: '], { sent, expected: '`drained` gives true, some time' })).split(' ');
      check(drained === 'true' && Number(waiting) <= highWaterBytes, { sent, received: `drained gives ${drained} while ${waiting} bytes wait`, expected: `true, when no more than ${highWaterBytes} bytes wait` });
    },
  );

  rule(
    'closed-says-how',
    'says how a connection has ended, whenever it is asked',
    {
      rule: 'the code is that of the client\'s Close frame, 1005 if it had none, 1006 if there was no Close frame (RFC 6455 §7.1.5), and the server\'s own if it failed the connection; `clean` is whether both sides have sent one (WebSocketClosure)',
      likely: 'how it has ended is forgotten if nobody has asked before the end; or a Close frame of ours counts as one of theirs',
    },
    async (world) => {
      const server = await world.call('servePeers', { timeouts: { heartbeatMs: NEVER_MS, closeMs: NEVER_MS } });
      const { random } = world;
      const [ours, theirs] = [random.integer(3000, 3999), random.integer(4000, 4999)];
      const reason = random.words(2);
      const closes = async (who: string, client: PeerClient): Promise<void> => {
        await world.call('peerClose', who, ours);
        await client.untilClose({ sent: `the server closes with ${ours}` });
        await untilState(world, who, 'closing', `the server has sent Close ${ours}, and the client has not answered`);
      };
      const endings: [what: string, end: (who: string, client: PeerClient) => Promise<unknown> | unknown, expected: { code: number; reason?: string; clean: boolean }][] = [
        [`Close ${theirs} ${reason}`, (_, client) => client.send(close(theirs, reason)).untilEnd(), { code: theirs, reason, clean: true }],
        ['a Close frame without a code', (_, client) => client.send(close()).untilEnd(), { code: 1005, reason: '', clean: true }],
        [`Close ${theirs} ${reason}, in answer to ${ours}`, async (who, client) => {
          await closes(who, client);
          await client.send(close(theirs, reason)).untilEnd();
        }, { code: theirs, reason, clean: true }],
        ['FIN', (_, client) => client.tcp.end(), { code: 1006, reason: '', clean: false }],
        [`RST, in answer to Close ${ours}`, async (who, client) => {
          await closes(who, client);
          client.tcp.resetNow();
        }, { code: 1006, reason: '', clean: false }],
        ['a frame without a mask', (_, client) => {
          client.tcp.write(Buffer.from([0x81, 1, 0x41]));
          return client.untilEnd();
        }, { code: 1002, clean: false }],
        ['nothing: the server cuts the connection', async (who, client) => {
          await world.call('peerDestroy', who);
          await client.untilEnd();
          check(client.closed === null, { sent: 'nothing: `destroy` was called', received: client.describe(), expected: 'the end, without a word' });
        }, { code: 1006, reason: '', clean: false }],
      ];
      for (const [index, [sent, end, expected]] of endings.entries()) {
        for (const when of ['early', 'late'] as const) {
          const who = `${when}-${index}`;
          const client = await openPeer(world, server, who);
          await untilState(world, who, 'open', 'a handshake');
          const early = when === 'early' ? world.call('peerClosed', who) : null;
          // Where something else fails first, nobody waits for it.
          early?.catch(() => {});
          if (early !== null) await told(world, who, 'asks for closed');
          await end(who, client);
          await untilState(world, who, 'closed', sent);
          expectClosure(await given(early ?? world.call('peerClosed', who), 'closed', sent, 'how the connection has ended'), expected, sent);
          if (when === 'late') expectClosure(await given(world.call('peerClosed', who), 'closed', sent, 'the same once more'), expected, sent);
        }
      }
      await expectNoReports(world, 'connections that end');
    },
  );

  rule(
    'their-code-stays',
    'keeps the client\'s code when something fails after its Close frame',
    {
      rule: 'the code is that of the client\'s Close frame (RFC 6455 §7.1.5, WebSocketClosure), whatever goes wrong on our side after it has come',
      likely: '`fail` overwrites the code that is already known with its own',
    },
    async (world) => {
      const server = await world.call('servePeers', { timeouts: { heartbeatMs: NEVER_MS, closeMs: NEVER_MS } });
      const { random } = world;
      const [code, reason] = [random.integer(3000, 4999), random.words(2)];
      const sent = `a message and Close ${code} ${reason}; the listener that is given the message afterwards throws`;
      const client = await openPeer(world, server, 'a');
      client.send(text('waits'), close(code, reason));
      await client.untilServerEnds({ sent });
      await world.call('peerThrows', 'a', 'too late');
      client.tcp.end();
      await untilState(world, 'a', 'closed', sent);
      expectClosure(await given(world.call('peerClosed', 'a'), 'closed', sent, 'how the connection has ended'), { code, reason, clean: true }, sent);
      check(client.closed !== null && [code, 1000, 1005].includes(client.closed.code), { sent, received: client.describe(), expected: `one Close frame, with ${code}` });
    },
  );

  rule(
    'says-why-it-fails',
    'sends a Close frame that says why it ends a connection, if it still may',
    {
      rule: 'to fail a connection is to send a Close frame with the code first, if one may still be sent (RFC 6455 §7.1.7): 1008 for more pings than are allowed (limits.ts), 1011 for a listener that throws (WebSocketPeer)',
      likely: '`fail` sends a Close frame only where the machine itself has failed, and not where it is open',
    },
    async (world) => {
      const pingsPerSecondMax = world.random.integer(3, 9);
      const server = await world.call('servePeers', { limits: { pingsPerSecondMax }, timeouts: { heartbeatMs: NEVER_MS, closeMs: NEVER_MS } });
      const secret = world.random.word(12, 14);
      const listener = await openPeer(world, server, 'listener');
      await world.call('peerThrows', 'listener', secret);
      const threw = 'a message whose listener throws';
      listener.send(text('throw'));
      await listener.untilClose({ sent: threw, expected: 'Close 1011' });
      listener.send(close(4000));
      await listener.untilEnd({ sent: threw, expected: 'Close 1011, and the end' });
      await untilState(world, 'listener', 'closed', threw);
      const closure = await given(world.call('peerClosed', 'listener'), 'closed', threw, 'how the connection has ended');
      check(closure.code === 1011, { sent: `${threw}, and Close 4000 in answer to 1011`, received: `closed gives ${closure.code}`, expected: '1011: the code that the server has failed the connection with (A81)' });
      check(listener.closed?.code === 1011 && !listener.bytes.includes(secret), { sent: threw, received: listener.describe(), expected: 'Close 1011, and nothing of the error' });
      const reports = await world.call('reports');
      check(reports.length === 1 && reports[0]!.message === secret, { sent: threw, received: `reported: ${reports.map(({ message }) => message).join('; ')}`, expected: 'what was thrown is reported, once' });
      const pings = await openPeer(world, server, 'pings');
      const sent = `${pingsPerSecondMax + 5} pings at once, where ${pingsPerSecondMax} a second are allowed`;
      pings.send(...Array.from({ length: pingsPerSecondMax + 5 }, (_, index) => ping(`${index}`)));
      await pings.untilEnd({ sent, expected: 'Close 1008, and the end' });
      check(pings.closed?.code === 1008, { sent, received: pings.describe(), expected: 'Close 1008, and the end' });
    },
  );

  rule(
    'reads-their-answer',
    'reads the answer to its Close frame, even if nobody wanted to read',
    {
      rule: 'after our Close frame the client\'s has to arrive (A84, RFC 6455 §7.1.2), even if reading was paused, or if so many messages wait that no more are read (WebSocketPeer.pause, A82)',
      likely: '`close` sends the Close frame and leaves the socket paused',
    },
    async (world) => {
      const server = await world.call('servePeers', { limits: { queuedMessagesMax: 2 }, timeouts: { heartbeatMs: NEVER_MS, closeMs: NEVER_MS } });
      const [ours, theirs] = [world.random.integer(3000, 3999), world.random.integer(4000, 4999)];
      for (const who of ['paused', 'full']) {
        const client = await openPeer(world, server, who);
        if (who === 'paused') await world.call('peerPause', who);
        else client.send(...Array.from({ length: 6 }, (_, index) => text(`${index}`)));
        for (let times = 0; times < 3; times++) await world.settle();
        await world.call('peerClose', who, ours);
        const sent = `Close ${theirs} in answer to ${ours}; ${who === 'paused' ? 'the reading was paused' : 'six messages came before, which nobody has received'}`;
        await client.untilClose({ sent });
        client.send(close(theirs));
        await client.untilEnd({ sent });
        expectClosure(await given(world.call('peerClosed', who), 'closed', sent, 'how the connection has ended'), { code: theirs, reason: '', clean: true }, sent);
      }
      await expectNoReports(world, 'Close frames of the server\'s');
    },
  );

  rule(
    'pings-after-our-close',
    'is not disturbed by pings that come, or still wait, after its Close frame',
    {
      rule: 'a client that has not read our Close frame yet may send pings. They break no rule and end nothing: the server still waits for the client\'s Close frame, whose code says how it ended (RFC 6455 §7.1.5, A81)',
      likely: 'a pong is sent whatever the state of the machine, which refuses it; that is mistaken for an error, or ends the process',
    },
    async (world) => {
      const limits = { pendingPongsMax: 0, bufferedBytesMax: 256 * MIB };
      const server = await world.call('servePeers', { limits, timeouts: { heartbeatMs: NEVER_MS, closeMs: NEVER_MS } });
      const [ours, theirs] = [world.random.integer(3000, 3999), world.random.integer(4000, 4999)];
      for (const who of ['come', 'wait']) {
        const client = await openPeer(world, server, who);
        const sent = `pings that ${who} after Close ${ours}, and then Close ${theirs}`;
        if (who === 'wait') {
          client.tcp.pause();
          await world.call('peerFills', who, 32, MIB);
          client.send(ping('first'), ping('second'), text('after'));
          await given(world.call('peerReceive', who), 'receive', sent, 'the message after the pings');
        }
        await world.call('peerClose', who, ours);
        if (who === 'wait') client.tcp.resume();
        await client.untilClose({ sent });
        if (who === 'come') client.send(ping('first'), pong('second'), ping('third'));
        for (let times = 0; times < 3; times++) await world.settle();
        check(!client.tcp.ended && !client.tcp.closed, { sent, received: client.describe(), expected: 'the connection stays until the client has answered (RFC 6455 §7.1.1)' });
        client.send(close(theirs));
        await client.untilEnd({ sent });
        expectClosure(await given(world.call('peerClosed', who), 'closed', sent, 'how the connection has ended'), { code: theirs, reason: '', clean: true }, sent);
      }
      await expectNoReports(world, 'pings after a Close frame');
    },
  );

  rule(
    'a-ping-that-waits',
    'answers a ping that had to wait, if it was the only one',
    {
      rule: 'if output waits and no more pongs may wait with it, the newest ping is answered when all of that has gone (RFC 6455 §5.5.2, §5.5.3); if there is only one, it is the newest',
      likely: 'a waiting ping is remembered, but nothing answers it until another one comes',
    },
    async (world) => {
      const limits = { pendingPongsMax: 0, bufferedBytesMax: 256 * MIB };
      const server = await world.call('servePeers', { limits, timeouts: { heartbeatMs: NEVER_MS, closeMs: NEVER_MS } });
      const client = await openPeer(world, server, 'a');
      const sent = 'one ping from a client that does not read, and then reads';
      const data = world.random.word();
      for (let times = 1; times <= 2; times++) {
        client.tcp.pause();
        await world.call('peerFills', 'a', 32, MIB);
        client.send(ping(data), text('after'));
        await given(world.call('peerReceive', 'a'), 'receive', sent, 'the message after the ping');
        client.tcp.resume();
        await client.until(() => client.pongs.length >= times, { sent, expected: 'its pong, when the client reads again' });
        check(client.pongs.length === times && client.pongs.every((pong) => pong.toString() === data), { sent, received: client.describe(), expected: 'one pong, with its data' });
        await client.untilMessages(32 * times, { sent, expected: 'all that was sent' });
      }
      client.send(close(1000));
      await client.untilEnd({ sent: 'Close 1000' });
    },
  );

  rule(
    'drained-when-it-is-over',
    'resolves `drained` with false when nothing can be sent any more',
    {
      rule: '`drained` gives true when there is room for more, and false when the WebSocket is not open any more (WebSocketPeer): whether it is asked then, or was asked before and the connection is cut meanwhile',
      likely: 'when nothing is queued, `drained` says true without checking that anything can be sent; or the end of the connection says true to a caller that waits',
    },
    async (world) => {
      const server = await world.call('servePeers', { limits: { bufferedBytesMax: 256 * MIB }, timeouts: { heartbeatMs: NEVER_MS, closeMs: NEVER_MS } });
      const expectDrained = async (who: string, expected: boolean, sent: string, asked = world.call('peerDrained', who)): Promise<void> => {
        const drained = await given(asked, 'drained', sent, `${expected}`);
        check(drained === expected, { sent, received: `drained gives ${drained}`, expected: `${expected}` });
      };
      const client = await openPeer(world, server, 'closes');
      await expectDrained('closes', true, 'nothing: the WebSocket is open, and nothing waits');
      await world.call('peerClose', 'closes', 3000);
      await expectDrained('closes', false, 'nothing: the server has sent Close 3000, and the client has not answered');
      await client.answerClose({ sent: 'the answer to Close 3000' });
      await untilState(world, 'closes', 'closed', 'the answer to Close 3000');
      await expectDrained('closes', false, 'the answer to Close 3000: the connection has ended');
      const cut = await openPeer(world, server, 'cut');
      cut.tcp.pause();
      await world.call('peerFills', 'cut', 32, MIB);
      const asked = world.call('peerDrained', 'cut');
      asked.catch(() => {});
      await told(world, 'cut', 'asks for drained');
      cut.tcp.resetNow();
      await expectDrained('cut', false, 'RST, while 32 MiB wait for the client', asked);
    },
  );

  rule(
    'hands-over-what-waits',
    'first gives a listener what has waited for it, all of it and in order',
    {
      rule: 'what already waits is handed over when `onMessage` is set, and what was not read yet comes after that; what the listener throws then closes with 1011, too (WebSocketPeer.onMessage)',
      likely: 'the listener is only remembered, or reading does not go on now that somebody listens',
    },
    async (world) => {
      const server = await world.call('servePeers', { limits: { queuedMessagesMax: 2 }, timeouts: { heartbeatMs: NEVER_MS, closeMs: NEVER_MS } });
      const messages = Array.from({ length: 10 }, (_, index) => `${index} ${world.random.word()}`);
      const client = await openPeer(world, server, 'a');
      client.send(...messages.slice(0, 9).map((message) => text(message)));
      const sent = 'nine messages, and later a tenth; where two may wait, and a listener is set after the nine';
      for (let times = 0; times < 3; times++) await world.settle();
      await world.call('peerListens', 'a');
      for (const message of messages.slice(0, 9)) await told(world, 'a', `message ${message}`, { sent });
      client.send(text(messages[9]!));
      await told(world, 'a', `message ${messages[9]!}`, { sent });
      const heard = (await storyOf(world, 'a')).filter((line) => line.startsWith('message '));
      check(heard.join() === messages.map((message) => `message ${message}`).join(), { sent, received: showStory(heard), expected: 'ten messages in their order' });
      client.send(close(1000));
      await client.untilEnd({ sent: 'Close 1000' });
      const throws = await openPeer(world, server, 'throws');
      const threw = 'a message that waits, and a ping when the reading is paused; then a listener is set that throws';
      throws.send(text('waits'));
      for (let times = 0; times < 3; times++) await world.settle();
      await world.call('peerPause', 'throws');
      throws.send(ping('after'));
      for (let times = 0; times < 3; times++) await world.settle();
      await world.call('peerThrows', 'throws', 'thrown');
      await world.call('peerResume', 'throws');
      await throws.untilEnd({ sent: threw, expected: 'Close 1011, and the end' });
      check(throws.closed?.code === 1011, { sent: threw, received: throws.describe(), expected: 'Close 1011, and the end' });
      await untilState(world, 'throws', 'closed', threw);
    },
  );

  rule(
    'pauses-and-resumes',
    'reads nothing while it is told not to, and goes on when it may',
    {
      rule: '`pause` stops the reading, `resume` lets it go on, and nothing is lost (WebSocketPeer)',
      likely: '`pause` or `resume` only sets a flag, and leaves the socket as it was',
    },
    async (world) => {
      const server = await world.call('servePeers', { timeouts: { heartbeatMs: NEVER_MS, closeMs: NEVER_MS } });
      const client = await openPeer(world, server, 'a');
      await world.call('peerListens', 'a');
      for (let round = 0; round < 3; round++) {
        await world.call('peerPause', 'a');
        client.send(text(`${round} paused`), text(`${round} after`));
        for (let times = 0; times < 5; times++) await world.settle();
        const sent = 'two messages while the reading is paused';
        const early = (await storyOf(world, 'a')).filter((line) => line.startsWith(`message ${round}`));
        check(early.length === 0, { sent, received: showStory(early), expected: 'nothing, until `resume`' });
        await world.call('peerResume', 'a');
        await told(world, 'a', `message ${round} paused`, { sent: `${sent}, and resumed` });
        await told(world, 'a', `message ${round} after`, { sent: `${sent}, and resumed` });
      }
      client.send(close(1000));
      await client.untilEnd({ sent: 'Close 1000' });
      const other = await openPeer(world, server, 'b');
      await world.call('peerPause', 'b');
      await world.call('peerListens', 'b');
      other.send(text('paused'));
      for (let times = 0; times < 5; times++) await world.settle();
      const sent = 'a message while the reading is paused; a listener was set meanwhile';
      const early = await storyOf(world, 'b');
      check(!early.includes('message paused'), { sent, received: showStory(early), expected: 'nothing, until `resume`' });
      await world.call('peerResume', 'b');
      await told(world, 'b', 'message paused', { sent: `${sent}, and resumed` });
      other.send(close(1000));
      await other.untilEnd({ sent: 'Close 1000' });
    },
  );

  rule(
    'counts-those-who-are-there',
    'counts its WebSockets, and resolves `close` when none is left',
    {
      rule: '`size` is how many WebSockets are open or closing; `close` closes all of them with 1001, and resolves when none is left (WebSocketHost)',
      likely: 'a WebSocket that has ended is not taken off the list, or is taken off when only one side has closed',
    },
    async (world) => {
      const server = await world.call('servePeers', { timeouts: { heartbeatMs: NEVER_MS, closeMs: NEVER_MS } });
      const clients = [];
      for (const who of ['a', 'b', 'c', 'd']) clients.push(await openPeer(world, server, who));
      const expectOpen = async (count: number, sent: string): Promise<void> => {
        const open = await standstill(world, () => world.call('peersOpen'));
        check(open === count, { sent, received: `size is ${open}`, expected: `${count}` });
      };
      const [a, b, ...left] = clients as [PeerClient, PeerClient, ...PeerClient[]];
      await expectOpen(4, 'four handshakes');
      a.send(close(1000));
      await a.untilEnd({ sent: 'Close 1000' });
      b.tcp.resetNow();
      for (const who of ['a', 'b']) await untilState(world, who, 'closed', 'Close 1000, and RST');
      await expectOpen(2, 'four handshakes, one Close 1000 and one RST');
      await world.call('closePeers');
      for (const client of left) await client.untilClose({ sent: 'the host closes', expected: 'Close 1001' });
      await expectOpen(2, 'the host closes, and nobody has answered');
      check(!(await world.call('events')).includes('all closed'), { sent: 'the host closes, and nobody has answered', received: '`close` has resolved', expected: 'it waits until none is left' });
      for (const client of left) await client.answerClose({ sent: 'the host closes' });
      check(left.every(({ closed }) => closed?.code === 1001), { sent: 'the host closes', received: left.map((client) => client.describe()).join('; '), expected: 'Close 1001' });
      await noted(world, 'all closed', { sent: 'the host closes, and all have answered' });
      await expectOpen(0, 'the host closes, and all have answered');
    },
  );

  rule(
    'broken-and-still-there',
    'cuts a client that has broken the protocol and does not end its side',
    {
      rule: 'a connection that fails is ended (RFC 6455 §7.1.7): the client is sent a Close frame, and then has `closeMs` to end its side, as after any Close frame of ours',
      likely: '`fail` sends its Close frame and ends our side, and nothing checks whether the client ever ends its own',
    },
    async (world) => {
      const closeMs = 250;
      const server = await world.call('serveLife', { scripts: { '/a': [accept, drain], '/throws': [accept, { do: 'throw', message: world.random.word() }] }, timeouts: { closeMs } });
      const ends: readonly [who: string, sent: string, code: number][] = [
        ['broken', 'a frame without a mask', 1002], ['throws', 'nothing, to an application that throws', 1011],
      ];
      for (const [who, sent, code] of ends) {
        const client = await PeerClient.open(world, server, `${who === 'throws' ? '/throws' : '/a'}?${who}`);
        if (who === 'broken') client.tcp.write(Buffer.from([0x81, 1, 0x41]));
        await client.untilServerEnds({ sent });
        check(client.closed?.code === code, { sent, received: client.describe(), expected: `Close ${code}, and the end` });
        await expectNoConnections(world, `${sent}; and then the client stays, with closeMs ${closeMs}`);
      }
    },
  );
});
