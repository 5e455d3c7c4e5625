import { count } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type { FailureReport } from '#support/failure.ts';
import type { TcpClient } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import { fillUntilQueued, isLetIn, isTurnedAway, linePieces, sendUntilStalled, writeUntilRead } from './stall.ts';

const shown = (lines: readonly string[]): string =>
  lines.length === 0 ? 'no line' : lines.slice(0, 4).map((line) => JSON.stringify(line.slice(0, 40))).join(' ') + (lines.length > 4 ? ` … (${lines.length} lines)` : '');

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((line, index) => line === b[index]);

/** What the line server of these tests answers: the length in characters, and the line in capitals. */
const answerTo = (line: string): string => `${[...line].length}:${line.toUpperCase()}\n`;

/** Replies end in LF; CRLF is just as good. */
const withLf = (bytes: Buffer): string => bytes.toString('utf8').replaceAll('\r\n', '\n');

/** Waits for exactly these answers. */
async function expectAnswers(client: TcpClient, expected: string, report: Partial<FailureReport> = {}): Promise<void> {
  const wanted = JSON.stringify(expected.slice(0, 60));
  // Byte for byte: what has come so far may end inside a character or an ending.
  const bytes = Buffer.from(expected).toString('latin1');
  const received = (): string => client.received.toString('latin1').replaceAll('\r\n', '\n').replace(/\r$/, '');
  const different = (): boolean => !bytes.startsWith(received());
  await client.until(() => different() || received() === bytes, { expected: wanted, ...report });
  check(!different(), {
    kind: 'wrong bytes',
    sent: client.describeSent(),
    received: JSON.stringify(withLf(client.received).slice(0, 60)),
    expected: wanted,
    ...report,
  });
}

exercise<typeof driver>('1.5', import.meta.url, (rule) => {
  rule(
    'decodes-lines',
    'makes lines out of bytes: several from one piece, none from half a line',
    {
      rule: 'a line ends where its LF is, not where a packet ends',
      likely: 'each piece is mistaken for a line, or only the first line of a piece is found',
    },
    async ({ call, random }) => {
      const lines = Array.from({ length: random.integer(4, 8) }, () => random.words(random.integer(1, 4)));
      const half = random.word();
      const bytes = Buffer.from(`${lines.join('\n')}\n${half}`);
      const result = await call('decode', [bytes], {});
      check(same(result.lines, lines) && result.last === 'needData', {
        sent: JSON.stringify(bytes.toString().slice(0, 60)),
        received: `${shown(result.lines)}, then ${result.last}`,
        expected: `${shown(lines)}, then needData: ${JSON.stringify(half)} is not a line yet`,
      });
    },
  );

  rule(
    'decodes-any-split',
    'finds the same lines wherever the stream is cut',
    {
      rule: 'TCP may cut the stream between any two bytes',
      likely: 'what is left of a piece is dropped or searched wrongly when the next piece comes',
    },
    async ({ call, random }) => {
      const lines = [random.word(), '', random.words(2), random.word(1, 1), random.words(3)];
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      const cuts = Array.from({ length: bytes.length - 1 }, (_, index) => [bytes.subarray(0, index + 1), bytes.subarray(index + 1)]);
      const single = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
      const nothing = Buffer.alloc(0);
      const withNothing = [nothing, ...random.pieces(bytes, 9).flatMap((piece) => [piece, nothing])];
      for (const pieces of [...cuts, single, random.pieces(bytes, 5), withNothing]) {
        const result = await call('decode', pieces, {});
        check(same(result.lines, lines) && result.last === 'needData', {
          sent: pieces.slice(0, 6).map((piece) => JSON.stringify(piece.toString())).join(' + ') + (pieces.length > 6 ? ' + …' : ''),
          received: `${shown(result.lines)}, then ${result.last}`,
          expected: `${shown(lines)}, then needData`,
        });
      }
    },
  );

  rule(
    'takes-lf-and-crlf',
    'takes LF and CRLF as an ending, and keeps a CR that is not part of one',
    {
      rule: 'one CR before the LF belongs to the ending; any other CR belongs to the line',
      likely: 'every CR is removed, or the text is trimmed: spaces are part of a line',
    },
    async ({ call, random }) => {
      const [a, b, c] = [random.word(), random.word(), random.word()];
      const cases: readonly [string, string[]][] = [
        [`${a}\r\n${b}\n${c}\r\n`, [a, b, c]],
        [`${a}\r${b}\n`, [`${a}\r${b}`]],
        [`  ${a} \t\r\n`, [`  ${a} \t`]],
        ['\r\n\n\r\n', ['', '', '']],
        [`${a}\r\r\n`, [`${a}\r`]],
      ];
      for (const [text, lines] of cases) {
        const bytes = Buffer.from(text);
        const bytewise = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
        for (const pieces of [[bytes], bytewise]) {
          const result = await call('decode', pieces, {});
          check(same(result.lines, lines), { sent: JSON.stringify(text), received: shown(result.lines), expected: shown(lines) });
        }
      }
    },
  );

  rule(
    'keeps-characters-whole',
    'keeps a character whole when it comes in two pieces',
    {
      rule: 'a UTF-8 character is up to four bytes long, and the network may cut inside it (RFC 3629)',
      likely: 'each piece is turned into a string by itself; half a character becomes �',
    },
    async ({ call, random }) => {
      const lines = random.shuffle(['grüße', '世界', '🐸 rana', 'naïve café', '✓']).slice(0, 3);
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      for (let cut = 1; cut < bytes.length; cut++) {
        const result = await call('decode', [bytes.subarray(0, cut), bytes.subarray(cut)], {});
        check(same(result.lines, lines), {
          sent: `${JSON.stringify(bytes.toString())}, cut after byte ${cut} of ${bytes.length}`,
          received: shown(result.lines),
          expected: shown(lines),
        });
      }
    },
  );

  rule(
    'last-line-at-the-end',
    'gives what follows the last newline as a line when the stream has ended',
    {
      rule: 'at the end of the stream the rest is a line, if there is any; after it comes end',
      likely: 'receiveEof does nothing, or makes an empty line out of nothing',
    },
    async ({ call, random }) => {
      const [a, b] = [random.word(), random.word()];
      const cases: readonly [string, string[]][] = [[`${a}\n${b}`, [a, b]], [`${a}\n`, [a]], ['', []], [b, [b]]];
      for (const [text, lines] of cases) {
        const result = await call('decode', text === '' ? [] : [Buffer.from(text)], { eof: true });
        check(same(result.lines, lines) && result.last === 'end', {
          sent: `${JSON.stringify(text)}, then the end of the stream`,
          received: `${shown(result.lines)}, then ${result.last}`,
          expected: `${shown(lines)}, then end`,
        });
      }
    },
  );

  rule(
    'limits-a-line',
    'throws LineTooLongError for a line over the limit, and takes one that just fits',
    {
      rule: 'a line has a limit in bytes, not counting its ending; without one, a client decides how much memory you need',
      likely: 'the limit counts characters or the ending, or is checked only once the LF has come',
    },
    async ({ call, random }) => {
      const lineBytesMax = random.integer(8, 40);
      const fits = 'ä'.repeat(Math.floor(lineBytesMax / 2)) + 'x'.repeat(lineBytesMax % 2);
      const long = 'x'.repeat(lineBytesMax + 1);
      const cases: readonly [string, Buffer[], string[], string][] = [
        ['a line that just fits, with LF', [Buffer.from(`${fits}\n`)], [fits], 'needData'],
        ['a line that just fits, with CRLF', [Buffer.from(`${fits}\r\n`)], [fits], 'needData'],
        ['a line that just fits and its CR LF, byte by byte', Array.from(Buffer.from(`${fits}\r\n`), (byte) => Buffer.from([byte])), [fits], 'needData'],
        ['a line one byte too long', [Buffer.from(`${long}\n`)], [], 'too long'],
        ['a line one byte too long in bytes, not in characters', [Buffer.from(`ä${fits}\n`)], [], 'too long'],
        ['a good line, then one too long', [Buffer.from(`good\n${long}\n`)], ['good'], 'too long'],
        ['a line one byte too long, byte by byte', Array.from(Buffer.from(`${long}\n`), (byte) => Buffer.from([byte])), [], 'too long'],
        ['too many bytes and no newline at all', [Buffer.from(long.repeat(2))], [], 'too long'],
        ['one byte too many and no newline', [Buffer.from(long)], [], 'too long'],
        ['one byte more, but it is a CR whose LF may follow', [Buffer.from(`${fits}\r`)], [], 'needData'],
        ['a CR that is not part of an ending and makes the line too long', [Buffer.from(`${fits}\rx\n`)], [], 'too long'],
        ['many lines, longer than the limit only together', [Buffer.from('short\n'.repeat(50))], Array.from({ length: 50 }, () => 'short'), 'needData'],
        ['the same lines, one by one', Array.from({ length: 50 }, () => Buffer.from('short\n')), Array.from({ length: 50 }, () => 'short'), 'needData'],
        ['a whole line and the beginning of one, longer than the limit only together', [Buffer.from(`${fits}\n${fits}`)], [fits], 'needData'],
      ];
      for (const [title, pieces, lines, last] of cases) {
        const result = await call('decode', pieces, { lineBytesMax });
        check(same(result.lines, lines) && result.last === last, {
          sent: `${title} (lineBytesMax: ${lineBytesMax})`,
          received: `${shown(result.lines)}, then ${result.last}`,
          expected: `${shown(lines)}, then ${last}`,
        });
      }
    },
  );

  rule(
    'limits-by-default',
    'has a limit of 8192 bytes when none is asked for',
    {
      rule: 'every buffer has a limit: without lineBytesMax it is LINE_BYTES_MAX',
      likely: 'the default is missing: a comparison with undefined is never true',
    },
    async ({ call }) => {
      const fits = await call('decode', [Buffer.from(`${'x'.repeat(8192)}\r\n`)], {});
      check(fits.lines.length === 1 && fits.last === 'needData', {
        sent: 'a line of 8192 bytes to a decoder without options',
        received: `${shown(fits.lines)}, then ${fits.last}`,
        expected: 'the line, then needData',
      });
      const long = await call('decode', [Buffer.from('x'.repeat(8193))], {});
      check(long.last === 'too long', {
        sent: '8193 bytes without a newline to a decoder without options',
        received: `${shown(long.lines)}, then ${long.last}`,
        expected: 'LineTooLongError',
      });
    },
  );

  rule(
    'answers-each-line',
    'answers each line over the wire with one line, in order, however they were cut',
    {
      rule: 'the server calls onLine for each line and writes its answer with a newline',
      likely: 'the server answers each packet instead of each line',
    },
    async ({ call, connect, random }) => {
      const server = await call('startLines', { shout: true });
      const lines = [...random.shuffle(['grüße', '世界', random.words(3), '', random.word()]), random.word()];
      const bytes = Buffer.from(lines.map((line) => line + random.pick(['\n', '\r\n'])).join(''));
      const expected = lines.map(answerTo).join('');
      for (const way of ['in one write', 'byte by byte', 'in pieces'] as const) {
        const client = await connect(server, { label: way });
        if (way === 'in one write') client.write(bytes);
        else if (way === 'byte by byte') await client.writeByteByByte(bytes);
        else await client.writePieces(random.pieces(bytes, 7));
        await expectAnswers(client, expected);
      }
    },
  );

  rule(
    'answers-while-the-client-is-there',
    'answers a line as soon as it is whole, and the last one at the FIN',
    {
      rule: 'a line is answered when its LF has come; the end of the stream ends the last line and the connection',
      likely: "answers wait for 'end', or the last line without a newline is forgotten",
    },
    async ({ call, connect, settle, random }) => {
      const client = await connect(await call('startLines', { shout: true }));
      const [a, b] = [random.word(), random.word()];
      client.write(`${a}\n${b}`);
      await expectAnswers(client, answerTo(a), { expected: `${JSON.stringify(answerTo(a))} and nothing for ${JSON.stringify(b)} yet` });
      await settle();
      client.end();
      const received = withLf(await client.readToEnd());
      check(received === answerTo(a) + answerTo(b), {
        received: JSON.stringify(received),
        sent: `${JSON.stringify(`${a}\n${b}`)}, then FIN`,
        expected: JSON.stringify(answerTo(a) + answerTo(b)),
      });
    },
  );

  rule(
    'keeps-decoders-apart',
    'keeps the half lines of several clients apart',
    {
      rule: 'each connection has a decoder of its own',
      likely: 'one LineDecoder is made for the server instead of one for each connection',
    },
    async ({ call, connect, settle, random }) => {
      const server = await call('startLines', { shout: true });
      const clients = await Promise.all([1, 2, 3].map(async (number) => await connect(server, { label: `client ${number} of 3` })));
      const lines = clients.map(() => `世${random.words(2)}`);
      const halves = lines.map((line, index) => {
        const bytes = Buffer.from(`${line}\n`);
        // Inside the first character, after it, further on.
        const cut = [2, 3, 5][index];
        return [bytes.subarray(0, cut), bytes.subarray(cut)] as const;
      });
      for (const [index, client] of clients.entries()) client.write((halves[index] as [Buffer, Buffer])[0]);
      await settle();
      for (const [index, client] of clients.entries()) client.write((halves[index] as [Buffer, Buffer])[1]);
      for (const [index, client] of clients.entries()) await expectAnswers(client, answerTo(lines[index] as string));
    },
  );

  rule(
    'refuses-a-long-line',
    'answers an over-long line with an error line and closes, without serving what follows',
    {
      rule: 'a line over the limit is answered with a line that begins with `error`, and the connection ends',
      likely: 'LineTooLongError is not caught where the socket is, or the connection stays open',
    },
    async ({ call, connect, random }) => {
      const lineBytesMax = random.integer(16, 64);
      const server = await call('startLines', { lineBytesMax, shout: true });
      const good = random.word(3, 8);
      const next = random.word(3, 8);
      const client = await connect(server, { label: `lineBytesMax ${lineBytesMax}` });
      client.write(`${good}\n${'x'.repeat(lineBytesMax + 1)}\n${next}\n`);
      const received = withLf(await client.readToEnd({ expected: 'an error line, then FIN' }));
      const lines = received.split('\n').slice(0, -1);
      check(
        lines.length === 2 && `${lines[0]}\n` === answerTo(good) && /^error\b/i.test(lines[1] as string),
        {
          sent: `${JSON.stringify(good)}, a line of ${lineBytesMax + 1} bytes, ${JSON.stringify(next)}`,
          received: JSON.stringify(received.slice(0, 120)),
          expected: `${JSON.stringify(answerTo(good))}, a line that begins with "error", then the end`,
        },
      );
      const after = await connect(server, { label: 'the next client' });
      after.write(`${good}\n`);
      await expectAnswers(after, answerTo(good));
    },
  );

  rule(
    'refuses-at-once',
    'refuses a line as soon as it is too long, with its end still to come',
    {
      rule: 'the limit is there so that nobody can fill the memory with a line that never ends',
      likely: 'the limit is checked only once the LF has come, or the server is made without the default',
    },
    async ({ call, connect }) => {
      const client = await connect(await call('startLines', {}), { label: 'lineBytesMax 8192, by default' });
      client.write('x'.repeat(20_000));
      const received = withLf(await client.readToEnd({ expected: 'an error line, then FIN' }));
      check(/^error\b.*\n$/i.test(received), {
        sent: '20,000 bytes without a newline',
        received: JSON.stringify(received.slice(0, 120)),
        expected: 'a line that begins with "error", then the end',
      });
    },
  );

  rule(
    'last-words-arrive',
    'gets its error line through to a client that goes on sending',
    {
      rule: 'a socket that is closed with bytes unread answers with RST, and RST can overtake the error line (RFC 9293 §3.10.7)',
      likely: 'the socket is destroyed right after the error line, with more of the line on its way',
    },
    async ({ call, connect, settle, random }) => {
      const client = await connect(await call('startLines', { lineBytesMax: random.integer(16, 64) }), {
        paused: true,
        label: 'client that sends 6 MiB before it reads',
      });
      client.write(Buffer.alloc(6 << 20, 'x'));
      await settle();
      await settle();
      client.resume();
      await client.until(() => withLf(client.received).includes('\n'), { expected: 'an error line' });
      check(/^error\b/i.test(withLf(client.received)), {
        received: JSON.stringify(withLf(client.received).slice(0, 120)),
        expected: 'a line that begins with "error"',
      });
    },
  );

  rule(
    'line-server-survives-anything',
    'keeps running when connections break or carry bytes that are not text',
    {
      rule: 'one client never ends the server: not by an RST, not by bytes that are not UTF-8',
      likely: "the socket has no listener for 'error' here, or decoding throws",
    },
    async ({ call, connect, settle, random }) => {
      const server = await call('startLines', { shout: true });
      const bystander = await connect(server, { label: 'a client that was there before' });
      for (const rude of ['half a line', 'a line\nand a half']) {
        const client = await connect(server, { label: 'client that resets' });
        client.write(rude);
        await settle();
        client.resetNow();
        await settle();
      }
      for (const code of ['EPIPE', 'ETIMEDOUT']) {
        const client = await connect(server, { label: `client whose connection breaks with ${code}` });
        client.write('a line\nand a half');
        await expectAnswers(client, answerTo('a line'));
        await call('breakNewest', code);
        await settle();
      }
      const binary = await connect(server, { label: 'client that sends binary bytes' });
      binary.write(Buffer.concat([Buffer.from([0xff, 0xc0, 0x80, 0x0a]), random.bytes(2000), Buffer.from([0xe2, 0x0a, 0xf0])])).end();
      await settle();
      for (const client of [bystander, await connect(server, { label: 'the next client' })]) {
        const line = random.words(2);
        client.write(`${line}\n`);
        await expectAnswers(client, answerTo(line));
      }
    },
  );

  rule(
    'line-server-keeps-to-its-limit',
    'turns away the client that is one too many, and lets the next one in when another has left',
    {
      rule: 'connectionsMax clients are served at once, and one more is closed unanswered; each that leaves makes room for another, however it leaves',
      likely: "the option is ignored here, or clients are counted by hand and one way of leaving is forgotten: 'close' comes for each",
    },
    async (world) => {
      const connectionsMax = world.random.integer(2, 4);
      const server = await world.call('startLines', { connectionsMax });
      const inside: TcpClient[] = [];
      for (let number = 1; number <= connectionsMax; number++) {
        inside.push(await isLetIn(world, server, `client ${number} of a line server with connectionsMax ${connectionsMax}`));
      }
      for (const leaves of world.random.shuffle(['FIN', 'RST', 'RST'])) {
        await isTurnedAway(world, server, connectionsMax);
        const leaving = inside.shift() as TcpClient;
        if (leaves === 'RST') leaving.resetNow();
        else await leaving.end().readToEnd();
        await world.settle();
        inside.push(await isLetIn(world, server, `the client after one that has left with ${leaves}`));
      }
      await isTurnedAway(world, server, connectionsMax);
    },
  );

  rule(
    'answers-a-late-reader',
    'keeps the answers for a client that half-closes first and reads later, whatever others are told meanwhile',
    {
      rule: 'what is queued for a client is sent as it was written, and the FIN comes after it',
      likely: "answers are written out of one buffer that is filled again, or the server ends its side only if nothing is queued when 'end' comes",
    },
    async (world) => {
      const { call, connect, settle, random } = world;
      const server = await call('startLines', {});
      const late = await connect(server, { paused: true, label: 'client that reads after its FIN' });
      let lines = await fillUntilQueued(world, late, linePieces(world));
      for (let other = 1; other <= 5; other++) {
        const line = Buffer.from(`${random.words(3)}\n`);
        lines = Buffer.concat([lines, line]);
        await writeUntilRead(world, late, line);
        const client = await connect(server, { label: `client ${other} beside one that does not read` });
        // As many bytes as a piece of the late one's, so that they would lie where its answers lay.
        const text = `${random.word(1000, 1000)}\n`.repeat(60);
        client.write(text);
        await expectAnswers(client, text);
      }
      late.end();
      await settle();
      late.resume();
      const answers = withLf(await late.readToEnd({ expected: 'an answer for each line, then FIN' }));
      check(answers === lines.toString(), {
        kind: 'wrong bytes',
        sent: `${count(lines.length, 'byte')} of lines, read only after the FIN`,
        received: `${count(answers.length, 'byte')}, not the same as were sent`,
        expected: 'each line back, in order: the default of onLine',
      });
    },
  );

  rule(
    'line-server-minds-backpressure',
    'stops reading lines from a client that does not read the answers, and goes on when it does',
    {
      rule: 'backpressure is passed on by every server, not only by the echo server',
      likely: '`write` returned false and nobody looked, or the socket is paused and never resumed',
    },
    async ({ call, connect, random }) => {
      const client = await connect(await call('startLines', {}), { paused: true, label: 'client that does not read yet' });
      const line = Array.from({ length: 100 }, () => random.word(39, 39)).join(' ');
      const pieces = Array.from({ length: 48 << 4 }, (_, index) => Buffer.from(`${index} ${line}\n`.repeat(16)));
      const { sentPieces, takenBytes } = await sendUntilStalled(client, pieces);
      check(sentPieces < pieces.length, {
        sent: `${pieces.length * 16} lines of about 4000 bytes, whose answers are never read`,
        received: `the server took all ${count(takenBytes, 'byte')} and holds the answers in memory`,
        expected: "the client's writes stall after a few MiB",
      });
      client.resume().end();
      const answers = withLf(await client.readToEnd({ expected: 'an answer for each line, then FIN' }));
      check(answers === Buffer.concat(pieces.slice(0, sentPieces)).toString(), {
        kind: 'wrong bytes',
        sent: `${sentPieces * 16} lines of about 4000 bytes`,
        received: `${count(answers.split('\n').length - 1, 'line')}, not the same as were sent`,
        expected: 'each line back, in order: the default of onLine',
      });
    },
  );
});
