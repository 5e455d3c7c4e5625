import { exercise } from '#support/exercise.ts';
import type { World } from '#support/exercise.ts';
import { check, CheckFailure } from '#support/failure.ts';
import type { Address } from '#support/tcp-client.ts';
import { close, text } from './cases/index.ts';
import type driver from './driver.ts';
import { EventStreamClient } from './event-stream-client.ts';
import { PeerClient } from './life-client.ts';
import { expectNoConnections, expectNoReports, noted, standstill, stopped } from './life-story.ts';
import { firstOf } from './notes.ts';

type RoomWorld = World<typeof driver>;

const KIB = 1024;
const MIB = 1024 * 1024;
const NEVER_MS = 1e9;
/** A slow reader counts as slow before this many messages of 64 KiB. */
const ROUNDS_MAX = 400;

/** Members of a room, in the order of their coming. */
async function come(world: RoomWorld, server: Address, room: string, names: readonly string[]): Promise<PeerClient[]> {
  const clients: PeerClient[] = [];
  for (const name of names) {
    clients.push(await PeerClient.open(world, server, `/${room}?${name}`));
    if (room !== 'nowhere') await noted(world, `${room}: came ${name}, ${clients.length}`, { sent: `${name} joins`, expected: `onJoin tells of ${name}` });
  }
  return clients;
}

const names = (count: number, name = 'member'): string[] => Array.from({ length: count }, (_, index) => `${name}${index}`);

/** Says things until one member, who does not read, is not sent them; all others read each before the next is said. */
async function sayUntilSlow(world: RoomWorld, quick: readonly PeerClient[], all: number): Promise<{ said: string[]; sentTo: number[] }> {
  const filler = world.random.word().padEnd(64 * KIB, 'x');
  const [said, sentTo]: [string[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS_MAX && !sentTo.slice(-3).some((count) => count < all); round++) {
    said.push(`${round} ${filler}`);
    sentTo.push(...await world.call('broadcast', 'room', said.slice(-1)));
    for (const client of quick) await client.untilMessages(said.length, { sent: `${said.length} messages, one member does not read`, expected: 'the others are sent each of them' });
  }
  check(sentTo.at(-1)! < all, {
    sent: `${said.length} messages of 64 KiB, which one member does not read; 256 KiB may wait`, received: `all ${all} members are said to be sent all of them`, expected: 'that member is left out',
  });
  return { said, sentTo };
}

function expectHeard(client: PeerClient, expected: readonly string[], sent: string): void {
  const heard = client.texts;
  const wrong = expected.findIndex((message, index) => heard[index] !== message);
  check(wrong === -1 && heard.length === expected.length, {
    sent,
    received: wrong === -1 ? `${heard.length} messages` : `as the ${wrong + 1}th: ${(heard[wrong] ?? 'nothing').slice(0, 40)}`,
    expected: wrong === -1 ? `${expected.length} messages` : `as the ${wrong + 1}th: ${expected[wrong]!.slice(0, 40)}`,
  });
}

exercise<typeof driver>('6.6', import.meta.url, (rule) => {
  rule(
    'reaches-everybody',
    'sends what is said to every member, in order, and to nobody else',
    {
      rule: 'a broadcast goes to all members of the room and returns how many these were; members of other rooms, and people in no room, hear nothing',
      likely: 'the loop over the members misses some of them; or the count is not that of the messages sent',
    },
    async (world) => {
      const { random } = world;
      const server = await world.call('serveRooms');
      const members = await come(world, server, 'room', names(12));
      const others = [...await come(world, server, 'other', names(3, 'other')), ...await come(world, server, 'nowhere', ['nobody'])];
      const messages = Array.from({ length: 40 }, (_, index) => {
        const bytes = random.bytes(random.pick([0, 1, 125, 126, 700, 65_535, 65_536, 100_000]));
        return index % 2 === 0 ? bytes.toString('base64') : bytes;
      });
      const sent = `${messages.length} messages to a room of ${members.length}`;
      const half = messages.length / 2;
      const counts = [...await world.call('broadcast', 'room', messages.slice(0, half)), ...await world.call('broadcast', 'room', messages.slice(half))];
      check(counts.every((count) => count === members.length), { sent, received: `broadcast says ${[...new Set(counts)].join(', ')}`, expected: `${members.length} for each` });
      for (const client of members) {
        await client.untilMessages(messages.length, { sent });
        const wrong = messages.findIndex((message, index) => {
          const { type, data } = client.messages[index]!;
          return type !== (typeof message === 'string' ? 'text' : 'binary') || !data.equals(Buffer.from(message as string));
        });
        check(wrong === -1, { sent, received: `another message in place of the ${wrong + 1}th`, expected: 'all of them, in their order, text as text and binary as binary' });
      }
      check(members.every(({ bytes }) => bytes.equals(members[0]!.bytes)), { sent, received: 'other bytes for one member than for another', expected: 'the same frames for all: they are encoded once' });
      await world.settle();
      for (const client of others) {
        client.read();
        check(client.messages.length === 0, { sent, received: `${client.messages.length} messages for somebody who is not in this room`, expected: 'none' });
      }
    },
  );

  rule(
    'all-but-one',
    'leaves out the one member that it is told to, and no other',
    {
      rule: 'a member need not be told what it has just said: `except` is not sent the message, and is not counted',
      likely: '`except` is compared to something other than the peer, or ends the loop instead of skipping one member',
    },
    async (world) => {
      const server = await world.call('serveRooms');
      const members = await come(world, server, 'room', names(5));
      const heard: string[][] = members.map(() => []);
      for (const speaker of [0, 2, 4, 1, 3]) {
        const message = `${speaker} says ${world.random.words(3)}`;
        // Over the wire: a member says it, and its application broadcasts it to the others.
        members[speaker]!.send(text(message));
        for (const [index, list] of heard.entries()) if (index !== speaker) list.push(message);
        for (const [index, client] of members.entries()) await client.untilMessages(heard[index]!.length, { sent: message });
      }
      const [count] = await world.call('broadcast', 'room', ['to all but the last'], 'member4');
      check(count === 4, { sent: 'a broadcast to 5 members, one of them left out', received: `broadcast says ${count}`, expected: '4' });
      for (const list of heard.slice(0, 4)) list.push('to all but the last');
      await world.settle();
      for (const [index, client] of members.entries()) {
        await client.untilMessages(heard[index]!.length);
        expectHeard(client, heard[index]!, 'what each of five members says to the others');
      }
    },
  );

  rule(
    'not-to-the-gone',
    'sends nothing to a member that has left, is closing, or has vanished',
    {
      rule: 'a member that has left the room is not sent what is said there, and one that is being closed is sent no more data (RFC 6455 §5.5.1). Neither is counted. A member whose WebSocket has ended is no longer a member',
      likely: 'what is sent goes to everybody who ever came, or closing members are counted',
    },
    async (world) => {
      const server = await world.call('serveRooms');
      const [stays, leaves, closes, closed, vanishes] = await come(world, server, 'room', ['stays', 'leaves', 'closes', 'closed', 'vanishes']) as [PeerClient, PeerClient, PeerClient, PeerClient, PeerClient];
      const say = async (message: string, expected: number): Promise<void> => {
        const [count] = await world.call('broadcast', 'room', [message]);
        check(count === expected, { sent: `"${message}" to a room`, received: `broadcast says ${count}`, expected: `${expected}` });
      };
      await say('all', 5);
      check(await world.call('leaveRoom', 'room', 'leaves'), { sent: 'room.leave(a member)', received: 'false', expected: 'true' });
      check(!(await world.call('leaveRoom', 'room', 'leaves')), { sent: 'room.leave(somebody who has left)', received: 'true', expected: 'false' });
      await say('without one', 4);
      await world.call('closePeer', 'closed', 3000);
      await say('and without one that is being closed', 3);
      closes.send(close(1000));
      await closes.untilEnd({ sent: 'Close 1000 of a member' });
      await noted(world, 'room: left closes, 3', { sent: 'Close 1000 of a member', expected: 'it is no longer a member' });
      vanishes.tcp.resetNow();
      await noted(world, 'room: left vanishes, 2', { sent: 'a reset of a member', expected: 'it is no longer a member' });
      await say('without those who have gone', 1);
      await stays.untilMessages(4);
      await closed.answerClose();
      await noted(world, 'room: left closed, 1', { sent: 'the answer to a Close frame', expected: 'it is no longer a member' });
      expectHeard(closed, ['all', 'without one'], 'messages to a room, one member of which is closed');
      await world.settle();
      leaves.read();
      expectHeard(leaves, ['all'], 'messages to a room, one member of which has left');
      await expectNoReports(world, 'members that leave');
    },
  );

  rule(
    'leave-together',
    'stays up, and disturbs nobody, when many leave at the same moment',
    {
      rule: 'a client that goes must not affect another one, nor the process. What the room says about it is not sent to anybody who has gone as well, even if the `close` event is still to come, and fails for nobody who has stayed',
      likely: 'two places know whether a WebSocket is open, and for a moment they differ: the FIN has been read, and the socket has not closed yet. Sending then throws, in a promise that nobody awaits, or in another member\'s application',
    },
    async (world) => {
      const server = await world.call('serveRooms', { announces: true });
      const [stays] = await come(world, server, 'room', ['stays']) as [PeerClient];
      const leave: Record<string, (client: PeerClient) => void> = {
        'end their side (FIN)': (client) => void client.tcp.end(),
        'reset their connections (RST)': (client) => void client.tcp.resetNow(),
        'send Close 1000 and end their side': (client) => void client.send(close(1000)).tcp.end(),
      };
      for (const [round, [how, go]] of Object.entries(leave).entries()) {
        const crowd: PeerClient[] = [];
        for (let index = 0; index < 20; index++) crowd.push(await PeerClient.open(world, server, `/room?${round}-${index}`));
        // The first and the last of the room: whatever breaks off a round of the members, one of the two notices.
        const last = await PeerClient.open(world, server, `/room?last-${round}`);
        await last.untilMessages(1);
        await stays.until(() => stays.texts.includes(`came last-${round}`));
        const sent = `${crowd.length} members ${how}, all at once, and one that stays says something`;
        const message = `${round} ${world.random.words(2)}`;
        // Its words come to the server among the leavings.
        const half = crowd.length / 2;
        for (const client of crowd.slice(0, half)) go(client);
        stays.send(text(message));
        for (const client of crowd.slice(half)) go(client);
        const leavings = crowd.map((_, index) => `left ${round}-${index}`);
        for (const client of [stays, last]) {
          const missing = (): string[] => [...leavings, ...(client === last ? [message] : [])].filter((line) => !client.texts.includes(line));
          try {
            await client.until(() => missing().length === 0, { sent });
          } catch (error) {
            if (!(error instanceof CheckFailure) || error.report.kind !== 'silent') throw error;
            throw new CheckFailure({ ...error.report, received: `a member that stays was not told: ${missing().slice(0, 3).join(', ')}`, expected: 'it is told who has left, and what was said' });
          }
          check(client.closed === null && !client.tcp.ended, { sent, received: `for a member that stays: ${client.describe()}`, expected: 'its WebSocket is open' });
        }
        const size = await world.call('roomSize', 'room');
        check(size === 2 + round, { sent, received: `${size} members`, expected: `${2 + round}` });
      }
      await expectNoReports(world, 'members that leave in the same moment');
    },
  );

  rule(
    'who-is-there', // plain-english: who
    'knows who is there, and tells of everybody who comes and goes, once',
    {
      rule: 'presences are those of the members, in the order in which they joined. onJoin is called when somebody has become a member, onLeave when somebody is no longer one, for whatever reason. A member that joins again has a new presence, and onJoin is not called again',
      likely: 'a member that has left is reported again when its WebSocket ends',
    },
    async (world) => {
      const server = await world.call('serveRooms');
      const clients = await come(world, server, 'room', ['ada', 'bob', 'cleo', 'dan']);
      await world.call('joinAs', 'room', 'bob', 'bobby');
      const before = await world.call('presences', 'room');
      check(before.join() === 'ada,bobby,cleo,dan', { sent: 'four who join, one of them twice', received: before.join(', '), expected: 'ada, bobby, cleo, dan' });
      await world.call('leaveRoom', 'room', 'cleo');
      for (const client of clients.slice(1, 3)) {
        client.send(close(1000));
        await client.untilEnd();
      }
      await noted(world, 'room: left bobby, 2', { sent: 'two who close, one of whom has left before' });
      await expectConnections(world, 2);
      const after = await world.call('presences', 'room');
      check(after.join() === 'ada,dan' && (await world.call('roomSize', 'room')) === 2, { sent: 'two who have gone', received: after.join(', '), expected: 'ada, dan' });
      const told = (await world.call('events')).filter((line) => line.startsWith('room: '));
      const expected = ['came ada, 1', 'came bob, 2', 'came cleo, 3', 'came dan, 4', 'left cleo, 3', 'left bobby, 2'].map((line) => `room: ${line}`);
      check(told.join('\n') === expected.join('\n'), { sent: 'four who join, and two who go', received: told.join('; '), expected: expected.join('; ') });
    },
  );

  rule(
    'encoded-once',
    'keeps one frame for all that wait for it',
    {
      rule: 'a message is encoded once, whatever the number of its readers: what waits for sixteen slow members is one frame, sixteen times, and not sixteen frames',
      likely: 'each member is sent the message itself, and its WebSocket makes a frame of it: a SharedMessage makes one for all',
    },
    async (world) => {
      const server = await world.call('serveRooms', { bufferedBytesMax: 256 * MIB });
      const members = await come(world, server, 'room', names(16));
      for (const client of members) client.tcp.pause();
      const message = world.random.word().padEnd(MIB, 'x');
      const before = await world.call('collectGarbage');
      let said = 0;
      // Until the kernel takes no more, and six frames wait for each.
      while ((await world.call('waitingFor', 'member15')) < 6 * MIB && said < 64) {
        await world.call('broadcast', 'room', [message, message]);
        said += 2;
        await standstill(world, () => world.call('waitingFor', 'member15'));
      }
      const held = (await world.call('collectGarbage')) - before;
      const sent = `${said} messages of 1 MB to 16 members that do not read`;
      check(held < 3 * said * MIB, { sent, received: `${Math.round(held / MIB)} MB are held in buffers`, expected: `about ${said} MB, for all of them together` });
    },
  );

  rule(
    'slow-is-closed',
    'closes a member that reads too slowly, and the others miss nothing',
    {
      rule: 'a member for whom more than `bufferedBytesMax` waits is closed with 1013, try again later, and leaves the room at once; nobody else has to wait for it',
      likely: 'everybody is waited for before the next message is sent, or what waits for one member is not looked at',
    },
    async (world) => {
      const server = await world.call('serveRooms', { bufferedBytesMax: 256 * KIB });
      const [first, slow, second, third] = await come(world, server, 'room', ['first', 'slow', 'second', 'third']) as [PeerClient, PeerClient, PeerClient, PeerClient];
      slow.tcp.pause();
      const quick = [first, second, third];
      const { said } = await sayUntilSlow(world, quick, 4);
      const sent = `${said.length} messages of 64 KiB, which one of four members does not read`;
      const there = await world.call('presences', 'room');
      check(there.join() === 'first,second,third', { sent, received: `members: ${there.join(', ')}`, expected: 'first, second, third: the slow one has left at once' });
      await noted(world, 'room: left slow, 3', { sent, expected: 'onLeave tells of the slow one' });
      const [count] = await world.call('broadcast', 'room', ['without the slow one']);
      check(count === 3, { sent, received: `the next broadcast says ${count}`, expected: '3' });
      for (const client of quick) {
        await client.untilMessages(said.length + 1);
        expectHeard(client, [...said, 'without the slow one'], sent);
      }
      slow.tcp.resume();
      const closed = await slow.untilClose({ sent: `${sent}, until it reads` });
      check(closed.code === 1013, { sent, received: slow.describe(), expected: 'Close 1013, after what was sent before' });
      expectHeard(slow, said.slice(0, slow.messages.length), sent);
      await slow.answerClose();
      await expectNoReports(world, sent);
    },
  );

  rule(
    'slow-misses',
    'drops messages for a member that reads too slowly, if that is the policy, and the others miss nothing',
    {
      rule: 'with `slowReaders: \'drop\'` a member for whom more than `bufferedBytesMax` waits stays and misses messages, whole ones; when it has read, it is sent the next ones again',
      likely: 'the policy is not looked at, or what waits for a member grows all the same',
    },
    async (world) => {
      const server = await world.call('serveRooms', { bufferedBytesMax: 256 * KIB, slowReaders: 'drop' });
      const [first, slow, second] = await come(world, server, 'room', ['first', 'slow', 'second']) as [PeerClient, PeerClient, PeerClient];
      slow.tcp.pause();
      const { said, sentTo } = await sayUntilSlow(world, [first, second], 3);
      const sent = `${said.length} messages of 64 KiB, which one of three members does not read`;
      const waiting = await world.call('waitingFor', 'slow');
      check(waiting < (256 + 2 * 64 + 16) * KIB, { sent, received: `${Math.round(waiting / KIB)} KB wait for it`, expected: 'not much more than 256 KB' });
      check((await world.call('presences', 'room')).join() === 'first,slow,second', { sent, received: (await world.call('presences', 'room')).join(), expected: 'the slow one stays' });
      slow.tcp.resume();
      const sentToSlow = said.filter((_, index) => sentTo[index] === 3);
      await slow.untilMessages(sentToSlow.length, { sent: `${sent}, until it reads` });
      const [count] = await world.call('broadcast', 'room', ['again']);
      check(count === 3, { sent: `${sent}, and has read them then`, received: `the next broadcast says ${count}`, expected: '3' });
      await slow.untilMessages(sentToSlow.length + 1, { sent: 'a message for all, who have read what came before' });
      expectHeard(slow, [...sentToSlow, 'again'], sent);
      for (const client of [first, second]) {
        await client.untilMessages(said.length + 1);
        expectHeard(client, [...said, 'again'], sent);
      }
    },
  );

  rule(
    'said-while-leaving',
    'tells everybody that a member has left after the message that brought it about',
    {
      rule: 'onLeave may say something to the room itself. Slow members are dismissed when all others have been sent the message, so that everybody hears the same in the same order',
      likely: 'a slow member is dismissed within the loop: members before it hear of that after the message, and members after it hear of it before',
    },
    async (world) => {
      const server = await world.call('serveRooms', { bufferedBytesMax: 256 * KIB, announces: true });
      const slow = await come(world, server, 'room', ['slow']);
      slow[0]!.tcp.pause();
      const quick: PeerClient[] = [];
      for (const [index, name] of ['a', 'b', 'slower', 'c'].entries()) {
        const client = await PeerClient.open(world, server, `/room?${name}`);
        await noted(world, `room: came ${name}, ${index + 2}`);
        if (name === 'slower') client.tcp.pause();
        else quick.push(client);
      }
      const filler = world.random.word().padEnd(64 * KIB, 'x');
      let said = 0;
      for (; said < ROUNDS_MAX && (await world.call('roomSize', 'room')) > 3; said++) {
        await world.call('broadcast', 'room', [`${said} ${filler}`]);
        const isHere = (client: PeerClient): boolean => client.messages.slice(-3).some(({ data }) => data.toString('latin1', 0, 8).startsWith(`${said} `));
        for (const client of quick) await client.until(() => isHere(client), { sent: `message ${said}`, expected: 'it reaches the members that read' });
      }
      const sent = `${said} messages to a room in which two do not read, and a word about each one that leaves`;
      for (const client of quick) await client.until(() => client.texts.filter((message) => message.startsWith('left ')).length === 2, { sent, expected: 'a word about each of the two that leave' });
      const orders = quick.map((client) => client.texts.filter((message) => !message.startsWith('came ')).map((message) => message.slice(0, 12)).join('\n'));
      check(orders.every((order) => order === orders[0]), { sent, received: 'members hear of it in another order than others', expected: 'all hear the same in the same order' });
      const heard = quick[0]!.texts.filter((message) => /^\d/.test(message));
      check(heard.length === said, { sent, received: `${heard.length} messages`, expected: `${said}` });
      await expectNoReports(world, sent);
    },
  );

  rule(
    'events-by-the-standard',
    'sends events that a browser reads as they were meant',
    {
      rule: 'an event is fields, each on a line of its own, and an empty line. A text of several lines, whatever ends them (CR, LF, or both), is several `data` fields; one space after a colon is taken off by the reader (HTML standard, "Server-sent events")',
      likely: 'a text is sent in one field whatever line breaks are in it; or an event with an empty text, which is still an event, is left out',
    },
    async (world) => {
      const { random } = world;
      const server = await world.call('serveEvents');
      const client = await EventStreamClient.open(world, server, '/events?a');
      const broken = Array.from({ length: 30 }, () => random.word() + random.pick(['\n', '\r', '\r\n', '\n\n', '\r\r\n', ' '])).join('');
      const events = [
        { data: 'plain' }, { data: '' }, { data: 'two\nlines' }, { data: 'three\rlines\rhere' }, { data: 'and\r\nCRLF' }, { data: 'ends with a line break\n' }, { data: '\n' },
        { data: '\r\n\r\n' }, { data: ' a space before' }, { data: ': a colon' }, { data: 'id: 7\nevent: x\n\ndata: y' }, { data: 'é ✓ 😀' }, { data: random.word().padEnd(100_000, 'y') }, { data: broken },
        { data: 'typed', event: 'said' }, { data: 'with an id', id: '17' }, { data: 'the id stays' }, { data: 'both\nof them', id: 'é ✓', event: 'greeted' }, { data: 'no id any more', id: '' },
        { data: 'in a while', retryMs: 1234 }, { data: 'colons', id: ':a: b', event: 'a: b' }, { data: 'the end' },
      ];
      const sent = `${events.length} events`;
      const pushed = await world.call('push', 'a', events);
      check(pushed.every((ok) => ok === true), { sent, received: `push says ${[...new Set(pushed)].join(', ')}`, expected: 'true for each' });
      await client.untilEvents(events.length, { sent });
      let lastEventId = '';
      for (const [index, event] of events.entries()) {
        lastEventId = 'id' in event ? event.id : lastEventId;
        const wanted = { type: 'event' in event ? event.event : 'message', data: event.data.replaceAll(/\r\n|\r/g, '\n'), lastEventId };
        const got = client.events[index]!;
        check(got.type === wanted.type && got.data === wanted.data && got.lastEventId === wanted.lastEventId, {
          sent: `the event ${JSON.stringify(event).slice(0, 120)}`, received: `a browser hears ${JSON.stringify(got).slice(0, 160)}`, expected: JSON.stringify(wanted).slice(0, 160),
        });
      }
      check(client.parser.retryMs === 1234, { sent: 'retryMs: 1234', received: `retry: ${client.parser.retryMs}`, expected: 'a browser waits 1234 ms before it comes back' });
      await world.settle();
      check(client.events.length === events.length, { sent, received: client.describe(), expected: `${events.length} events` });
    },
  );

  rule(
    'no-fields-of-its-own',
    'refuses what would be read as something other than it is',
    {
      rule: 'an id or a type with a line break would become separate fields; an id with a NUL is ignored by browsers, which would then resume in the wrong place; `retry` is digits and nothing else (HTML standard). Each of these is a RangeError, and none of the event is sent',
      likely: 'an id is written exactly as it was given, so what people have typed becomes fields, and events',
    },
    async (world) => {
      const server = await world.call('serveEvents');
      const client = await EventStreamClient.open(world, server, '/events?a');
      const word = world.random.word();
      const data = 'refused';
      const refused = [
        { data, id: `${word}\ndata: forged` }, { data, id: `${word}\r` }, { data, id: `${word}\r\n\r\ndata: forged` }, { data, id: `${word}\0` }, { data, id: '\0' },
        { data, event: `${word}\ndata: forged` }, { data, event: `\r${word}` }, { data, retryMs: -1 }, { data, retryMs: 1.5 }, { data, retryMs: NaN }, { data, retryMs: Infinity },
      ];
      for (const event of refused) {
        const [outcome] = await world.call('push', 'a', [event]);
        const shown = `the event ${Object.entries(event).map(([name, value]) => `${name}: ${typeof value === 'string' ? JSON.stringify(value) : value}`).join(', ')}`;
        check(outcome === 'RangeError', { sent: shown, received: `push says ${outcome}`, expected: 'it throws a RangeError' });
      }
      await world.call('push', 'a', [{ data: 'the end', id: word }]);
      await client.untilEvents(1);
      const [only] = client.events;
      check(only!.data === 'the end' && only!.lastEventId === word && only!.type === 'message' && client.parser.retryMs === null, {
        sent: 'an event, after others that were refused', received: JSON.stringify(only), expected: 'this event alone',
      });
    },
  );

  rule(
    'all-in-their-order',
    'sends everything that is pushed, in order, encoded or not',
    {
      rule: 'events leave in the order in which they were pushed, even if many are pushed in one turn. Bytes are an event that is already encoded: code that sends one event to thousands of clients encodes it once',
      likely: 'what comes while something is being sent is overwritten, or does not wake `run`',
    },
    async (world) => {
      const { random } = world;
      const server = await world.call('serveEvents', { waitingMax: 1000 });
      const client = await EventStreamClient.open(world, server, '/events?a');
      const expected: string[] = [];
      for (let round = 0; round < 12; round++) {
        const events = Array.from({ length: random.pick([1, 2, 60, 150]) }, () => ({ data: `${expected.length + 1} ${random.words(2)}`, id: `${expected.push('')}` }));
        expected.splice(-events.length, events.length, ...events.map(({ data }) => data.replace(/^\d+/, '')));
        await world.call(round % 3 === 2 ? 'pushEncoded' : 'push', 'a', events);
        if (round % 4 === 0) await client.untilEvents(expected.length, { sent: `${expected.length} events` });
      }
      await client.untilEvents(expected.length, { sent: `${expected.length} events` });
      const wrong = client.events.findIndex(({ data, lastEventId }, index) => data.replace(/^\d+/, '') !== expected[index] || lastEventId !== `${index + 1}`);
      check(wrong === -1 && client.events.length === expected.length, { sent: `${expected.length} events`, received: `${client.events.length} events, the ${wrong + 1}th is another`, expected: 'all of them in their order' });
    },
  );

  rule(
    'resumes-by-id',
    'lets a client that was cut off go on after what it has seen, without gaps or repetitions',
    {
      rule: 'a browser comes back with the id of the last event that it has seen in the field Last-Event-ID, as UTF-8 (HTML standard). Every event that is sent has the id that it was given, or a client that reconnects is sent the wrong ones',
      likely: 'the id is forgotten, or comes after the empty line that ends its event',
    },
    async (world) => {
      const { random } = world;
      const server = await world.call('serveEvents', { waitingMax: 10_000 });
      const said: string[] = [];
      const say = async (count: number): Promise<void> => {
        const events = Array.from({ length: count }, () => {
          const data = `${said.length} ${random.words(2)}`;
          said.push(data);
          return { data, id: `é✓ ${said.length}` };
        });
        await world.call('say', events);
      };
      const heard: string[] = [];
      let lastEventId: string | undefined;
      await say(random.integer(3, 10));
      for (let visit = 0; visit < 5; visit++) {
        const client = await EventStreamClient.open(world, server, `/log?visit${visit}`, lastEventId);
        await noted(world, `visit${visit}: last ${lastEventId ?? ''}`, { sent: `Last-Event-ID: ${lastEventId ?? 'none'}`, expected: 'the application reads it' });
        await say(random.integer(1, 20));
        const missing = said.length - heard.length;
        await client.untilEvents(visit === 4 ? missing : random.integer(1, missing), { sent: `${missing} events` });
        client.tcp.resetNow();
        heard.push(...client.data);
        lastEventId = client.parser.lastEventId;
        // What is said now, nobody hears yet.
        if (visit < 4) await say(random.integer(0, 5));
      }
      const wrong = said.findIndex((data, index) => heard[index] !== data);
      check(wrong === -1 && heard.length === said.length, {
        sent: `${said.length} events to a client that is cut off four times`,
        received: `${heard.length} events; as the ${wrong + 1}th: ${heard[wrong] ?? 'nothing'}`,
        expected: wrong === -1 ? `${said.length} events` : `as the ${wrong + 1}th: ${said[wrong]}`,
      });
      await expectNoReports(world, 'clients that are cut off');
    },
  );

  rule(
    'stream-has-a-heartbeat',
    'says something on a stream on which nothing happens, which a browser skips',
    {
      rule: 'proxies cut a connection that is silent for a minute, and a client that has gone is noticed only when something is sent: so send a comment now and then, which is not an event (HTML standard, "Authoring notes"). It begins with the response and goes on after events',
      likely: 'the first event ends the heartbeat, or each beat is an event',
    },
    async (world) => {
      const server = await world.call('serveEvents', { heartbeatMs: 30 });
      const client = await EventStreamClient.open(world, server, '/events?a');
      const { parser } = client;
      await client.until(() => parser.comments >= 4 || client.events.length > 0, { sent: 'nothing', expected: 'comments, one after another' });
      check(client.events.length === 0, { sent: 'nothing', received: client.describe(), expected: 'no event; a comment is not one' });
      await world.call('push', 'a', [{ data: 'one' }]);
      await client.untilEvents(1);
      const before = parser.comments;
      await client.until(() => parser.comments >= before + 3 || client.events.length > 1, { sent: 'an event, and then nothing', expected: 'comments, one after another' });
      check(client.data.join() === 'one', { sent: 'one event', received: client.describe(), expected: 'one event; a comment is not one' });
    },
  );

  rule(
    'stream-heartbeat-by-default',
    'has that heartbeat even if nobody has asked for one',
    {
      rule: 'a stream is never silent for longer than a minute unless it was told to be (the clock of this test runs a hundred times faster)',
      likely: 'the heartbeat starts only if its time is given',
    },
    async (world) => {
      const server = await world.call('serveEvents', { faster: 100 });
      const client = await EventStreamClient.open(world, server, '/events?a');
      await client.until(() => client.parser.comments >= 3 || client.events.length > 0, { sent: 'nothing, for some minutes', expected: 'comments' });
      check(client.events.length === 0, { sent: 'nothing', received: client.describe(), expected: 'no event' });
    },
  );

  rule(
    'slow-stream-ends',
    'ends the stream of a client that does not read, and the others miss nothing',
    {
      rule: 'no more than `waitingMax` events wait for a client; with one more, its stream ends, and `push` says so. A browser reconnects by itself, and its last id says what it has missed',
      likely: 'events are kept for a client that never reads, until the memory is full',
    },
    async (world) => {
      const waitingMax = 8;
      const server = await world.call('serveEvents', { waitingMax });
      const slow = await EventStreamClient.open(world, server, '/events?slow');
      const quick = await EventStreamClient.open(world, server, '/events?quick');
      const few = Array.from({ length: waitingMax }, (_, index) => ({ data: `${index}` }));
      check((await world.call('push', 'quick', few)).every((ok) => ok === true), { sent: `${waitingMax} events in one turn`, received: 'push says false', expected: `true: that many may wait` });
      await quick.untilEvents(waitingMax);
      slow.tcp.pause();
      const filler = world.random.word().padEnd(256 * KIB, 'x');
      let said = 0;
      let goesOn: unknown = true;
      for (; said < ROUNDS_MAX && goesOn === true; said++) {
        const event = { data: `${said} ${filler}` };
        [goesOn] = await world.call('push', 'slow', [event]);
        await world.call('push', 'quick', [event]);
        await quick.untilEvents(waitingMax + said + 1, { sent: 'events for two clients, one of which does not read', expected: 'the other hears all' });
      }
      const sent = `${said} events of 256 KiB to a client that does not read`;
      check(goesOn === false, { sent, received: `push says ${String(goesOn)}`, expected: 'false, at some time' });
      check((await world.call('push', 'slow', [{ data: 'late' }]))[0] === false, { sent: `${sent}, and one more`, received: 'push says true', expected: 'false' });
      slow.tcp.resume();
      await slow.until(() => slow.complete, { sent: `${sent}, until it reads`, expected: 'the end of the response' });
      const wrong = slow.data.findIndex((data, index) => data !== `${index} ${filler}`);
      check(wrong === -1 && slow.data.length < said, { sent, received: slow.describe(), expected: 'the first of them, whole and in their order, and then the end' });
      await expectNoReports(world, sent);
    },
  );

  rule(
    'stream-ends-with-its-server',
    'ends the stream when its server stops or its client goes',
    {
      rule: 'a stream has no end of its own: it ends when `stopping` aborts (A20), so that the server need not cut it, and when its client has gone (A58). Afterwards `push` returns false, and nothing is kept',
      likely: '`push` keeps events for a stream that has ended',
    },
    async (world) => {
      const server = await world.call('serveEvents', {});
      const streams = [];
      for (const name of names(3, 'stream')) streams.push(await EventStreamClient.open(world, server, `/events?${name}`));
      const gone = await EventStreamClient.open(world, server, '/events?gone');
      gone.tcp.resetNow();
      let asked = 0;
      for (; asked < ROUNDS_MAX && (await world.call('push', 'gone', [{ data: 'x' }]))[0] !== false; asked++) await world.settle();
      check(asked < ROUNDS_MAX, { sent: 'a reset of the client', received: 'push says true', expected: 'push says false' });
      await world.call('push', 'stream0', [{ data: 'last' }]);
      await streams[0]!.untilEvents(1);
      await world.call('beginStop', NEVER_MS);
      for (const stream of streams) await stream.until(() => stream.complete && stream.tcp.ended, { sent: 'the server is told to stop', expected: 'the end of the response, and of the connection' });
      for (const stream of streams) stream.tcp.end();
      await stopped(world, 'the server is told to stop');
      check((await world.call('push', 'stream0', [{ data: 'x' }]))[0] === false, { sent: 'an event for a stream that has ended', received: 'push says true', expected: 'false' });
      await expectNoConnections(world, 'the server is told to stop');
      await expectNoReports(world, 'streams that end');
    },
  );

  rule(
    'ended-keeps-nothing',
    'keeps nothing that is pushed into a stream that has ended',
    {
      rule: '`push` into a stream that has ended returns false, and keeps nothing: code that still holds the sender would hold all of it',
      likely: 'the event joins those that wait before anything checks whether the stream has ended',
    },
    async (world) => {
      const server = await world.call('serveEvents', {});
      const client = await EventStreamClient.open(world, server, '/events?gone');
      client.tcp.resetNow();
      let asked = 0;
      for (; asked < ROUNDS_MAX && (await world.call('push', 'gone', [{ data: 'x' }]))[0] !== false; asked++) await world.settle();
      check(asked < ROUNDS_MAX, { sent: 'a reset of the client', received: 'push says true', expected: 'push says false' });
      const sent = '64 events of 1 MB for a stream that has ended';
      const before = await world.call('collectGarbage');
      const taken = await world.call('pushOften', 'gone', { data: 'x'.repeat(MIB) }, 64);
      const held = (await world.call('collectGarbage')) - before;
      check(taken === 0, { sent, received: `push says true for ${taken} of them`, expected: 'false for each' });
      check(held < 24 * MIB, { sent, received: `${Math.round(held / MIB)} MB are held in buffers`, expected: 'nothing of them' });
    },
  );

  rule(
    'message-before-the-leaving',
    'sends the message that makes a member leave before the news that it has left',
    {
      rule: 'a slow member is dismissed when all others have been sent the message, and not before: what onLeave says to the room about it comes after that message',
      likely: 'the slow members are found and dismissed first, and then the message is sent to the rest',
    },
    async (world) => {
      const server = await world.call('serveRooms', { bufferedBytesMax: 256 * KIB, announces: true });
      const clients: PeerClient[] = [];
      for (const [index, name] of ['early', 'slow', 'late'].entries()) {
        clients.push(await PeerClient.open(world, server, `/room?${name}`));
        await noted(world, `room: came ${name}, ${index + 1}`);
      }
      const [early, slow, late] = clients as [PeerClient, PeerClient, PeerClient];
      slow.tcp.pause();
      const quick = [early, late];
      const filler = world.random.word().padEnd(64 * KIB, 'x');
      let said = 0;
      for (; said < ROUNDS_MAX && (await world.call('roomSize', 'room')) > 2; said++) {
        await world.call('broadcast', 'room', [`${said} ${filler}`]);
        const isHere = (client: PeerClient): boolean => client.messages.slice(-2).some(({ data }) => data.toString('latin1', 0, 8).startsWith(`${said} `));
        for (const client of quick) await client.until(() => isHere(client), { sent: `message ${said}`, expected: 'it reaches the members that read' });
      }
      const sent = `${said} messages to a room in which one member does not read, and one more when it leaves`;
      for (const client of quick) {
        await client.until(() => client.texts.includes('left slow'), { sent, expected: 'a word of the one that leaves' });
        const order = client.texts.slice(-2).map((message) => message.slice(0, 12));
        check(order[0]!.startsWith(`${said - 1} `) && order[1] === 'left slow', { sent, received: `in the end: ${order.join(', and then ')}`, expected: `${said - 1} …, and then left slow` });
      }
    },
  );

  rule(
    'room-without-listeners',
    'does without onJoin and onLeave',
    {
      rule: 'onJoin and onLeave are options: a room that tells nobody who comes and goes is a room like any other, and knows who is there',
      likely: 'an option that was not given is called',
    },
    async (world) => {
      const server = await world.call('serveRooms', { silent: true });
      const clients: PeerClient[] = [];
      for (const [index, name] of ['stays', 'leaves', 'closes'].entries()) {
        clients.push(await PeerClient.open(world, server, `/room?${name}`));
        await expectMembers(world, index + 1, `${index + 1} members that join`);
      }
      check(await world.call('leaveRoom', 'room', 'leaves'), { sent: 'room.leave(a member)', received: 'false', expected: 'true' });
      for (const [who, expected] of [['stays', true], ['leaves', false]] as const) {
        const has = await world.call('hasMember', 'room', who);
        check(has === expected, { sent: `room.has(one that ${who})`, received: `${String(has)}`, expected: `${expected}` });
      }
      const [, , closes] = clients as [PeerClient, PeerClient, PeerClient];
      closes.send(close(1000));
      await closes.untilEnd({ sent: 'Close 1000 of a member' });
      await expectMembers(world, 1, 'one that leaves, and one that closes');
      const [count] = await world.call('broadcast', 'room', ['to those that are left']);
      check(count === 1, { sent: 'a broadcast to those that are left', received: `broadcast says ${count}`, expected: '1' });
      await clients[0]!.untilMessages(1);
      await expectNoReports(world, 'a room without onJoin and onLeave');
    },
  );

  rule(
    'retry-is-digits',
    'sends a retry of 0, and never one that is not just digits',
    {
      rule: '`retryMs` is a whole number from 0 up, or a RangeError; browsers read a retry that is just digits and ignore any other (HTML standard): a number that would be written in another way is refused, or written in digits',
      likely: '0 is mistaken for nothing; or a whole number is mistaken for one that is written as digits, which 1e21 is not',
    },
    async (world) => {
      const server = await world.call('serveEvents');
      const client = await EventStreamClient.open(world, server, '/events?a');
      const shown = (retryMs: number): string => `an event with retryMs: ${retryMs}`;
      for (const retryMs of [0, world.random.integer(1, 100_000)]) {
        const [taken] = await world.call('push', 'a', [{ data: 'taken', retryMs }]);
        check(taken === true, { sent: shown(retryMs), received: `push says ${String(taken)}`, expected: 'true' });
        await client.untilEvents(client.events.length + 1, { sent: shown(retryMs) });
        check(client.parser.retryMs === retryMs, { sent: shown(retryMs), received: `retry: ${String(client.parser.retryMs)}`, expected: `a browser reads ${retryMs}` });
      }
      const [large] = await world.call('push', 'a', [{ data: 'large', retryMs: 1e21 }]);
      await world.call('push', 'a', [{ data: 'the end' }]);
      await client.until(() => client.data.at(-1) === 'the end', { sent: shown(1e21), expected: 'what is pushed after it' });
      check(large === 'RangeError' || client.parser.retryMs === 1e21, { sent: shown(1e21), received: `push says ${String(large)}, and a browser passes over it`, expected: 'a RangeError' });
    },
  );

  rule(
    'comments-are-no-events',
    'writes comments that browsers ignore, whatever is in them',
    {
      rule: 'a line that begins with a colon is ignored (HTML standard, "Server-sent events"); a comment of several lines has a colon before each, or becomes one line',
      likely: 'the lines after the first are fields',
    },
    async (world) => {
      const server = await world.call('serveEvents', { heartbeatMs: NEVER_MS });
      const client = await EventStreamClient.open(world, server, '/events?a');
      await world.call('push', 'a', [{ data: 'before', id: '1' }]);
      await client.untilEvents(1);
      const before = client.parser.comments;
      const text = `${world.random.words(2)}\ndata: forged\r\nid: 2\r\rretry: 3`;
      await world.call('pushComment', 'a', text);
      await world.call('push', 'a', [{ data: 'after' }]);
      await client.untilEvents(2);
      const heard = client.events.map(({ data, lastEventId }) => `${data} (id ${lastEventId})`).join(', ');
      const comments = client.parser.comments - before;
      check(heard === 'before (id 1), after (id 1)' && client.parser.retryMs === null && comments >= 1, {
        sent: `the comment ${JSON.stringify(text)} between two events`, received: `a browser hears ${heard}, and passes over ${comments} lines`, expected: 'the two events; the comment is passed over',
      });
    },
  );

  rule(
    'silent-between-beats',
    'says nothing of its own before it is time for a heartbeat',
    {
      rule: 'a heartbeat comes when a stream has been silent for `heartbeatMs`: it keeps the connection alive, and does not flood it',
      likely: 'nothing waits for the time of the next beat, and comments are sent without a pause',
    },
    async (world) => {
      const server = await world.call('serveEvents', { heartbeatMs: NEVER_MS });
      const client = await EventStreamClient.open(world, server, '/events?a');
      await world.call('push', 'a', [{ data: 'one' }]);
      await client.untilEvents(1);
      for (let round = 0; round < 20; round++) await world.settle();
      await world.call('push', 'a', [{ data: 'two' }]);
      await client.untilEvents(2);
      check(client.parser.comments <= 8, { sent: 'two events, and no time for a heartbeat', received: `${client.parser.comments} comments`, expected: 'one with the head, or few' });
    },
  );

  rule(
    'sends-what-came-meanwhile',
    'sends what was pushed while something was being sent, without waiting for more',
    {
      rule: 'what is pushed while an event is on its way is sent after it, and does not wait for the next event or heartbeat to wake the stream',
      likely: 'after each event the stream waits to be woken, and does not look at what has come in the meantime',
    },
    async (world) => {
      const server = await world.call('serveEvents', { heartbeatMs: NEVER_MS });
      const client = await EventStreamClient.open(world, server, '/events?a');
      client.tcp.pause();
      // More than the kernel takes: it is on its way until the client reads.
      const large = world.random.word().padEnd(16 * MIB, 'x');
      const pushed: unknown[] = [];
      for (const data of [large, 'second', 'third']) {
        pushed.push(...await world.call('push', 'a', [{ data }]));
        await world.settle();
      }
      check(pushed.every((taken) => taken === true), { sent: 'three events', received: `push says ${pushed.join(', ')}`, expected: 'true for each' });
      client.tcp.resume();
      await client.untilEvents(3, { sent: 'a large event, and two more while it is on its way' });
      check(client.data[0] === large && client.data.slice(1).join() === 'second,third', { sent: 'a large event, and two more while it is on its way', received: client.describe(), expected: 'all of them in their order' });
    },
  );

  rule(
    'says-when-to-come-back',
    'tells the client once, at the beginning, how long to wait before it comes back',
    {
      rule: 'with the option `retryMs` the stream begins with a field `retry` of digits (HTML standard), which is not an event; without it, browsers wait as long as they like',
      likely: 'the option is kept, and nobody is told',
    },
    async (world) => {
      const retryMs = world.random.integer(100, 100_000);
      const server = await world.call('serveEvents', { retryMs, heartbeatMs: NEVER_MS });
      const client = await EventStreamClient.open(world, server, '/events?a');
      await client.until(() => client.parser.retryMs !== null, { sent: `retryMs: ${retryMs}`, expected: `retry: ${retryMs}, before there is an event` });
      await world.call('push', 'a', [{ data: 'one' }]);
      await client.untilEvents(1);
      check(client.parser.retryMs === retryMs && client.data.join() === 'one', { sent: `retryMs: ${retryMs}`, received: `retry: ${String(client.parser.retryMs)}, and the events ${client.data.join(', ')}`, expected: `retry: ${retryMs}, and one event` });
    },
  );

  rule(
    'ends-with-a-silent-client',
    'ends a silent stream when its client goes',
    {
      rule: 'when the client has gone `signal` aborts (A19), and the stream ends; it need not wait for an event, or for a heartbeat, to find that out',
      likely: 'only sending something shows that nobody is there',
    },
    async (world) => {
      const server = await world.call('serveEvents', { heartbeatMs: NEVER_MS });
      const client = await EventStreamClient.open(world, server, '/events?a');
      client.tcp.resetNow();
      const sent = 'a stream on which nothing is said, and a reset of its client';
      await firstOf(world, ['a: ended', 'a: DisconnectError'], { sent, received: 'the stream has not ended', expected: 'it ends' });
      check((await world.call('push', 'a', [{ data: 'x' }]))[0] === false, { sent: `${sent}, and then an event`, received: 'push says true', expected: 'false' });
      await expectNoConnections(world, sent);
      await expectNoReports(world, sent);
    },
  );

  rule(
    'begins-too-late',
    'ends a stream at once if it begins when its server is already stopping',
    {
      rule: 'a stream ends when `stopping` has aborted (A20), even if that was before it began: a signal that has aborted does not abort again',
      likely: 'the code listens to the signal, and does not check whether it has aborted',
    },
    async (world) => {
      const server = await world.call('serveEvents', { heartbeatMs: NEVER_MS });
      const opening = EventStreamClient.open(world, server, '/late?a');
      opening.catch(() => {});
      await noted(world, 'a: waits', { sent: 'a request for a stream' });
      const sent = 'a stream that begins when the server is told to stop';
      await world.call('beginStop', NEVER_MS);
      const client = await opening;
      await client.until(() => client.complete, { sent, expected: 'the end of the response' });
      client.tcp.end();
      await stopped(world, sent);
      await expectNoReports(world, sent);
    },
  );

  rule(
    'listens-no-longer',
    'listens for the end of its server no longer than the stream lasts',
    {
      rule: '`stopping` lives as long as the server: a stream that has ended removes its listener, or the server keeps every stream that there ever was',
      likely: 'the function that is removed is not the listener, or it is removed only if the stream ends well',
    },
    async (world) => {
      const server = await world.call('serveEvents', { heartbeatMs: NEVER_MS });
      const visit = async (name: string): Promise<number> => {
        const client = await EventStreamClient.open(world, server, `/events?${name}`);
        client.tcp.resetNow();
        await firstOf(world, [`${name}: ended`, `${name}: DisconnectError`], { sent: 'a reset of a client', received: 'the stream has not ended', expected: 'it ends' });
        await expectNoConnections(world, 'a reset of the only client');
        return await world.call('listenersOfStopping');
      };
      const first = await visit('first');
      let last = first;
      for (const name of names(8, 'later')) last = await visit(name);
      check(last < first + 4, { sent: 'nine streams that have ended, one after another', received: `${last} listeners of stopping, after the first ${first}`, expected: 'no more for each' });
    },
  );

  rule(
    'roused-by-every-event',
    'sends an event at once, even when the time of an earlier beat is over',
    {
      rule: 'an event is sent when it is pushed, and does not wait for a heartbeat: the timer that was started before an event came no longer counts',
      likely: 'the timer of an earlier wait still runs, and clears the function with which the next event would wake the stream',
    },
    async (world) => {
      const server = await world.call('serveEvents', { heartbeatMs: NEVER_MS, held: true });
      const client = await EventStreamClient.open(world, server, '/events?a');
      const told: string[] = [];
      for (let round = 0; round < 3; round++) {
        // Its head has gone, and it waits.
        for (let turn = 0; turn < 4; turn++) await world.settle();
        await world.call('markBeats');
        for (let pushed = 0; pushed < 2; pushed++) {
          told.push(world.random.words(2));
          await world.call('push', 'a', [{ data: told.at(-1)! }]);
          await client.untilEvents(told.length, { sent: `${told.length} events, one after another, and the time of a beat that ran before is over`, expected: 'each when it is pushed' });
          for (let turn = 0; turn < 4; turn++) await world.settle();
          await world.call('runOutBeats');
        }
      }
      check(client.data.join() === told.join(), { sent: told.join(', '), received: client.data.join(', '), expected: 'all of them in their order' });
    },
  );
});

/** Waits until the server counts this many connections. */
async function expectConnections(world: RoomWorld, count: number): Promise<void> {
  const open = await standstill(world, () => world.call('connections'));
  check(open === count, { received: `the server counts ${open} connections`, expected: `${count}` });
}

/** Waits until the room has this many members. */
async function expectMembers(world: RoomWorld, count: number, sent: string): Promise<void> {
  let size = await world.call('roomSize', 'room');
  for (let asked = 0; asked < ROUNDS_MAX && size !== count; asked++) {
    await world.settle();
    size = await world.call('roomSize', 'room');
  }
  check(size === count, { sent, received: `${size} members`, expected: `${count}` });
}
