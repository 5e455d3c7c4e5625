import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { count } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type { Fields } from '#support/http-client.ts';
import { fieldValue } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import type { CacheSight, CacheStep, LoggedResponse, LogLineCase } from './driver.ts';
import { LONG_AGO_MS, setModified, site, writeFiles, writeSparse } from './files.ts';
import { download, eventually, expectBody, expectFile, expectFilesClosed, expectStatus, NEEDS_PROC, once, showOutcome, showResponse, untilStalled } from './wire.ts';
import type { TestWorld } from './wire.ts';

const MIB = 1 << 20;
/** Entries are large, so that what a cache counts for an entry itself does not matter. */
const LARGE = 100_000;

type Step = CacheStep;

function showSteps(steps: readonly Step[]): string {
  return steps
    .slice(-6)
    .map((step) => {
      switch (step.do) {
        case 'wait':
          return `${step.ms} ms pass`;
        case 'get':
          return `get('${step.key}')`;
        case 'drop':
          return `drop('${step.key}', '${step.value}')`;
        case 'put':
          return `load('${step.key}') gives '${step.value}' (${step.bytes} bytes)`;
        case 'load':
          return `load('${step.key}') begins fill ${step.fill}`;
        case 'settle':
          return `fill ${step.fill} gives '${step.value}'`;
        default:
          return `fill ${step.fill} fails`;
      }
    })
    .join('; ');
}

/** What must be seen after a step. */
interface Expectation extends Partial<Omit<CacheSight, 'bytes'>> {
  /** Fewer bytes in the cache than these. */
  bytesBelow?: number;
}

function holds(sight: CacheSight, { bytesBelow = Infinity, dropped, ...exactly }: Expectation): boolean {
  if (sight.bytes >= bytesBelow) return false;
  if (dropped !== undefined && sight.dropped.toSorted().join() !== dropped.toSorted().join()) return false;
  return Object.entries(exactly).every(([name, value]) => sight[name as keyof typeof exactly] === value);
}

/** Tells a cache a story; after the steps with an expectation, what was seen must agree with it. */
async function tell(world: TestWorld, options: { bytesMax: number; windowMs: number }, story: readonly (Step & { expect?: Expectation })[]): Promise<void> {
  const steps = story.map(({ expect: _, ...step }) => step as Step);
  const { sights } = await world.call('cacheStory', options, steps);
  story.forEach(({ expect }, index) => {
    const sight = sights[index] as CacheSight;
    check(sight.bytes <= options.bytesMax, { sent: showSteps(steps.slice(0, index + 1)), received: `${sight.bytes} bytes in the cache`, expected: `never more than bytesMax: ${options.bytesMax}` });
    if (expect === undefined) return;
    check(holds(sight, expect), {
      sent: `${showSteps(steps.slice(0, index + 1))} (windowMs ${options.windowMs}, bytesMax ${options.bytesMax})`,
      received: `value ${JSON.stringify(sight.value)}, ${count(sight.fills, 'fill')} so far, ${sight.bytes} bytes, dropped ${JSON.stringify(sight.dropped)}, stale ${JSON.stringify(sight.stale)}`,
      expected: Object.entries(expect).map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', '),
    });
  });
}

const put = (key: string, value: string, bytes = LARGE): Step => ({ do: 'put', key, value, bytes });
const get = (key: string, value: string | undefined): Step & { expect: Expectation } => ({ do: 'get', key, expect: { value } });
const wait = (ms: number): Step => ({ do: 'wait', ms });

/** Everything about a response that may not depend on a cache. */
function facts(response: HttpTestResponse): string {
  const fields = ['content-type', 'content-length', 'content-encoding', 'content-range', 'etag', 'last-modified', 'vary', 'cache-control', 'location', 'x-own', 'accept-ranges'];
  return JSON.stringify([response.status, fields.map((name) => fieldValue(response, name) ?? null)]);
}

/** Asks again and again until this much time has passed since `startMs`: more may have passed, but never less. */
async function askUntil(world: TestWorld, server: Address, target: string, startMs: number, ms: number): Promise<void> {
  do await once(world, server, 'GET', target);
  while (performance.now() - startMs < ms);
}

exercise<typeof driver>('3.7', import.meta.url, (rule) => {
  rule(
    'keeps-values',
    'keeps what a fill gave, and returns it until its window is over',
    {
      rule: 'a value is believed for windowMs, and for no longer',
      likely: '`get` does not check the age, or the entry is not put in',
    },
    async (world) => {
      const [a, b] = [world.random.word(), `${world.random.word()}2`];
      const windowMs = world.random.integer(100, 5000);
      await tell(world, { bytesMax: 10 * LARGE, windowMs }, [
        get(a, undefined),
        { ...put(a, 'first'), expect: { value: 'first', fills: 1 } },
        get(a, 'first'),
        get(b, undefined),
        wait(windowMs - 1),
        get(a, 'first'),
        { ...put(b, 'second'), expect: { value: 'second', fills: 2 } },
        wait(2),
        get(a, undefined),
        get(b, 'second'),
        wait(windowMs),
        get(b, undefined),
        { ...put(a, 'third'), expect: { value: 'third', fills: 3 } },
        get(a, 'third'),
      ]);
    },
  );

  rule(
    'counts-from-the-start',
    'counts the window from the beginning of a fill',
    {
      rule: 'what was read is known to be true only for the moment when reading began',
      likely: 'the time is taken when the fill has ended: a slow disk makes the window longer than it says',
    },
    async (world) => {
      await tell(world, { bytesMax: 10 * LARGE, windowMs: 100 }, [
        { do: 'load', key: 'a', fill: 'slow' },
        wait(80),
        { do: 'settle', fill: 'slow', value: 'a', bytes: LARGE, expect: { value: 'a' } },
        wait(15),
        get('a', 'a'),
        wait(10),
        get('a', undefined),
      ]);
    },
  );

  rule(
    'fills-once',
    'fills a key once for all who ask at the same time',
    {
      rule: 'a caller that comes while a fill is under way waits for it: no stampede',
      likely: 'the promise of the fill is not kept',
    },
    async (world) => {
      const { random } = world;
      const waiting = Array.from({ length: random.integer(3, 50) }, (): Step => ({ do: 'load', key: 'a', fill: 'one' }));
      await tell(world, { bytesMax: 10 * LARGE, windowMs: 1000 }, [
        wait(random.integer(1000, 100_000)),
        ...waiting,
        { do: 'load', key: 'b', fill: 'two', expect: { fills: 2 } },
        { do: 'settle', fill: 'one', value: 'a', bytes: LARGE, expect: { value: 'a', fills: 2 } },
        { do: 'settle', fill: 'two', value: 'b', bytes: LARGE, expect: { value: 'b', fills: 2 } },
        get('a', 'a'),
        get('b', 'b'),
      ]);
      const { results } = await world.call('cacheStory', { bytesMax: 10 * LARGE, windowMs: 1000 }, [{ do: 'load', key: 'a', fill: 'one' }, { do: 'load', key: 'a', fill: 'other' }, { do: 'settle', fill: 'one', value: 'x', bytes: 1 }, { do: 'get', key: 'a' }]);
      check(new Map(results).get('other') === 'x', { sent: 'load twice, and the fill of the first gives x', received: `the second is given ${new Map(results).get('other') ?? 'nothing'}`, expected: 'x' });
    },
  );

  rule(
    'forgets-the-oldest',
    'drops what has not been used for longest when there are too many bytes',
    {
      rule: 'bytesMax is a limit at every moment; least recently used goes first',
      likely: 'a `get` does not count as a use, or a key that is put in again counts twice',
    },
    async (world) => {
      await tell(world, { bytesMax: 3.5 * LARGE, windowMs: 1e9 }, [
        put('a', 'A'),
        put('b', 'B'),
        put('c', 'C'),
        get('a', 'A'),
        put('d', 'D'),
        get('b', undefined),
        get('a', 'A'),
        get('c', 'C'),
        get('d', 'D'),
        put('e', 'E'),
        get('a', undefined),
        put('c', 'C2'),
        put('c', 'C3'),
        get('d', 'D'),
        get('e', 'E'),
        get('c', 'C3'),
        put('f', 'F', 2 * LARGE),
        get('f', 'F'),
        get('c', 'C3'),
        get('d', undefined),
        get('e', undefined),
      ]);
    },
  );

  rule(
    'keeps-nothing-too-large',
    'keeps no value that is larger than the whole cache, and nothing of it afterwards',
    {
      rule: 'a value that does not fit is given to the caller, and not kept',
      likely: 'everything else is dropped to make room, and then it does not fit after all; or its old version stays',
    },
    async (world) => {
      await tell(world, { bytesMax: 2 * LARGE, windowMs: 1000 }, [
        put('a', 'A'),
        { ...put('huge', 'H', 5 * LARGE), expect: { value: 'H' } },
        get('huge', undefined),
        get('a', 'A'),
        { ...put('a', 'A2', 5 * LARGE), expect: { value: 'A2' } },
        get('a', undefined),
        { do: 'get', key: 'b', expect: { bytesBelow: LARGE } },
      ]);
    },
  );

  rule(
    'forgets-failures',
    'keeps nothing when a fill fails',
    {
      rule: 'after a fill that failed the next caller tries again, and those who waited hear about it',
      likely: 'the rejected promise stays among the fills; or the old value stays, and is counted for ever',
    },
    async (world) => {
      await tell(world, { bytesMax: 10 * LARGE, windowMs: 100 }, [
        { do: 'load', key: 'a', fill: 'bad' },
        { do: 'load', key: 'a', fill: 'bad' },
        { do: 'fail', fill: 'bad', expect: { value: 'rejected: the fill failed', fills: 1 } },
        get('a', undefined),
        { ...put('a', 'A'), expect: { value: 'A', fills: 2 } },
        get('a', 'A'),
        wait(150),
        { do: 'load', key: 'a', fill: 'worse', expect: { stale: 'A', fills: 3 } },
        { do: 'fail', fill: 'worse', expect: { value: 'rejected: the fill failed' } },
        { do: 'get', key: 'a', expect: { value: undefined, bytesBelow: LARGE } },
        { do: 'load', key: 'a', fill: 'last', expect: { fills: 4, stale: undefined } },
      ]);
    },
  );

  rule(
    'shows-what-it-has',
    'gives a fill the value that may no longer be believed',
    {
      rule: 'checking whether something has changed is cheaper than reading it again',
      likely: '`get` drops what is too old, or the fill is called without it',
    },
    async (world) => {
      const value = world.random.word();
      await tell(world, { bytesMax: 10 * LARGE, windowMs: 100 }, [
        put('a', value),
        wait(500),
        get('a', undefined),
        { do: 'load', key: 'a', fill: 'again', expect: { stale: value, fills: 2 } },
        { do: 'settle', fill: 'again', value, bytes: LARGE, expect: { value } },
        get('a', value),
        wait(99),
        get('a', value),
        wait(2),
        get('a', undefined),
      ]);
    },
  );

  rule(
    'lets-the-newer-win',
    'starts another fill when one takes longer than the window, and lets the newer one win',
    {
      rule: 'a caller after the window must not be given what began before it; and what began earlier knows less',
      likely: 'the fill that ends last wins; or the end of the older fill makes the cache forget that the newer one is under way',
    },
    async (world) => {
      await tell(world, { bytesMax: 10 * LARGE, windowMs: 100 }, [
        { do: 'load', key: 'a', fill: 'old' },
        wait(150),
        { do: 'load', key: 'a', fill: 'new', expect: { fills: 2 } },
        { do: 'settle', fill: 'new', value: 'new', bytes: LARGE, expect: { value: 'new' } },
        get('a', 'new'),
        { do: 'settle', fill: 'old', value: 'old', bytes: LARGE, expect: { value: 'old' } },
        get('a', 'new'),
        wait(60),
        get('a', 'new'),
        wait(60),
        get('a', undefined),
      ]);
      // The end of one fill is not the end of the other.
      for (const end of [{ do: 'settle', fill: 'old', value: 'old', bytes: LARGE }, { do: 'fail', fill: 'old' }] as const) {
        await tell(world, { bytesMax: 10 * LARGE, windowMs: 100 }, [
          { do: 'load', key: 'a', fill: 'old' },
          wait(150),
          { do: 'load', key: 'a', fill: 'new', expect: { fills: 2 } },
          end,
          { do: 'load', key: 'a', fill: 'another', expect: { fills: 2 } },
          { do: 'settle', fill: 'new', value: 'new', bytes: LARGE, expect: { value: 'new' } },
          get('a', 'new'),
        ]);
      }
    },
  );

  rule(
    'tells-what-it-drops',
    'reports each value that leaves it, or that was not kept, once',
    {
      rule: 'code that keeps a file open for a value closes it when `onDrop` says so: without a call it is never closed, with two calls somebody else\'s file is',
      likely: 'a value is dropped without a report because it is replaced, is too large, or comes from a fill that ended too late',
    },
    async (world) => {
      const dropping = (...dropped: string[]): { expect: Expectation } => ({ expect: { dropped } });
      await tell(world, { bytesMax: 2.5 * LARGE, windowMs: 100 }, [
        { ...put('a', 'A'), ...dropping() },
        { ...put('a', 'A2'), ...dropping('A') },
        { ...put('b', 'B'), ...dropping() },
        { ...put('c', 'C'), ...dropping('A2') },
        { ...put('huge', 'H', 5 * LARGE), ...dropping('H') },
        { do: 'load', key: 'b', fill: 'bad', ...dropping() },
        { do: 'fail', fill: 'bad', ...dropping('B') },
        { do: 'load', key: 'd', fill: 'late', ...dropping() },
        { ...wait(150), ...dropping() },
        { ...put('d', 'D'), ...dropping() },
        { do: 'settle', fill: 'late', value: 'late', bytes: LARGE, ...dropping('late') },
        get('d', 'D'),
        { ...put('e', 'E', 2 * LARGE), ...dropping('C', 'D') },
      ]);
    },
  );

  rule(
    'drops-what-it-is-told-to',
    'drops a value when told to, but not another that has taken its place',
    {
      rule: '`drop(key, value)` is for that value: what was put in for the same key since then stays',
      likely: 'the key is dropped, whatever is there by now; or dropping what is no longer there breaks it',
    },
    async (world) => {
      const dropping = (...dropped: string[]): { expect: Expectation } => ({ expect: { dropped } });
      await tell(world, { bytesMax: 10 * LARGE, windowMs: 1000 }, [
        { do: 'drop', key: 'a', value: 'A', ...dropping() },
        put('a', 'A'),
        put('b', 'B'),
        { do: 'drop', key: 'b', value: 'A', ...dropping() },
        get('b', 'B'),
        { do: 'drop', key: 'a', value: 'A', ...dropping('A') },
        get('a', undefined),
        { do: 'drop', key: 'a', value: 'A', ...dropping() },
        { ...put('a', 'A2'), ...dropping() },
        { do: 'drop', key: 'a', value: 'A', ...dropping() },
        get('a', 'A2'),
        { do: 'drop', key: 'b', value: 'B', ...dropping('B') },
        { do: 'drop', key: 'a', value: 'A2', expect: { dropped: ['A2'], bytesBelow: 1 } },
      ]);
    },
  );

  rule(
    'holds-in-any-story',
    'stays within its limits, and is never stale, whatever happens to it',
    {
      rule: 'never more than bytesMax; never a value whose check began windowMs ago or longer; never the value of another key',
      likely: 'an entry that is replaced is counted twice, or not at all',
    },
    async (world) => {
      const { random } = world;
      for (let stories = 0; stories < 8; stories++) {
        const options = { bytesMax: random.integer(3, 12) * LARGE, windowMs: random.integer(10, 500) };
        const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
        const steps: Step[] = [];
        const open: string[] = [];
        for (let number = 0; number < 250; number++) {
          const key = random.pick(keys);
          const kind = random.integer(0, 9);
          if (kind < 3) steps.push({ do: 'get', key });
          else if (kind < 5) steps.push(put(key, `${key}${number}`, random.integer(0, 4 * LARGE)));
          else if (kind < 7) steps.push(wait(random.integer(0, options.windowMs)));
          else if (kind < 8) {
            steps.push({ do: 'load', key, fill: `${key}${number}` });
            open.push(`${key}${number}`);
          } else if (open.length > 0) {
            const [fill] = open.splice(random.integer(0, open.length - 1), 1) as [string];
            steps.push(random.integer(0, 3) === 0 ? { do: 'fail', fill } : { do: 'settle', fill, value: fill, bytes: random.integer(0, 2 * LARGE) });
          }
        }
        // A put waits for a fill of its key that is under way, and must not be left waiting.
        const story = withoutWaiting(steps);
        const { sights } = await world.call('cacheStory', options, story);
        const began = new Map<string, number>();
        const filling = new Set<string>();
        const inside = new Map<string, number>();
        let nowMs = 0;
        story.forEach((step, index) => {
          const sight = sights[index] as CacheSight;
          const sent = showSteps(story.slice(0, index + 1));
          if (step.do === 'load' && sight.fills > (sights[index - 1]?.fills ?? 0)) filling.add(step.fill);
          if (step.do === 'put' || (step.do === 'settle' && filling.has(step.fill))) inside.set(step.value, step.bytes);
          for (const value of sight.dropped) check(inside.delete(value), { sent, received: `onDrop is called with '${value}'`, expected: 'nothing: it has left before, or was never there' });
          const held = [...inside.values()].reduce((sum, bytes) => sum + bytes, 0);
          check(held <= options.bytesMax, { sent, received: `${inside.size} values of ${held} bytes that onDrop was never called with`, expected: `that they have left: bytesMax is ${options.bytesMax}` });
          check(sight.bytes >= 0 && sight.bytes <= options.bytesMax, { sent, received: `${sight.bytes} bytes in the cache`, expected: `from 0 to ${options.bytesMax}` });
          if (step.do === 'wait') nowMs += step.ms;
          if (step.do === 'load') began.set(step.fill, nowMs);
          if (step.do === 'put') began.set(step.value, nowMs);
          if (step.do !== 'get' || sight.value === undefined) return;
          check(sight.value.startsWith(step.key), { sent, received: `'${sight.value}'`, expected: `a value of '${step.key}'` });
          const ageMs = nowMs - (began.get(sight.value) ?? -Infinity);
          check(ageMs <= options.windowMs, { sent, received: `'${sight.value}', whose fill began ${ageMs} ms ago`, expected: `nothing: windowMs is ${options.windowMs}` });
        });
      }
    },
  );

  rule(
    'answers-as-without',
    'gives the same answers with a cache as without one',
    {
      rule: 'nobody but the disk must notice a cache',
      likely: 'a response that was kept is sent to a request that it does not fit: HEAD, Range, another coding',
    },
    async (world) => {
      const { random } = world;
      const text = Buffer.from(random.words(400));
      const root = site({ 'a.txt': text, 'a.txt.gz': gzipSync(text), 'empty.txt': '', 'large.bin': random.bytes(300_000), 'sub/index.html': 'index', 'sub/a.txt': random.words(5), 'suba.txt': random.words(6), 'subindex.html': 'another' });
      const options = { encodings: ['gzip' as const], cacheControl: 'no-cache', headers: [['X-Own', 'own']] as [string, string][] };
      const plain = await world.call('serve', { root, options });
      const cached = await world.call('serve', { root, options: { ...options, cacheBytesMax: 10 * MIB, cacheFileBytesMax: 100_000, cacheWindowMs: 60_000 } });
      const tag = fieldValue(await once(world, plain, 'GET', '/a.txt'), 'etag') ?? '""';
      const requests: [method: string, target: string, fields: Fields][] = [];
      for (const target of ['/a.txt', '/empty.txt', '/large.bin', '/sub/', '/sub', '/sub/a.txt', '/suba.txt', '/subindex.html', '/nothing', '/a.txt/', '/a.txt.gz', '/../a.txt']) {
        for (const fields of [[], [['Accept-Encoding', 'gzip']], [['Range', 'bytes=2-9']], [['Range', 'bytes=0-1,5-6']], [['Range', 'bytes=99999999-']], [['If-None-Match', tag]], [['If-None-Match', tag], ['Accept-Encoding', 'gzip']], [['If-Match', '"another"']]] as Fields[]) {
          for (const method of ['GET', 'HEAD']) requests.push([method, target, fields]);
        }
      }
      requests.push(['POST', '/a.txt', []], ['OPTIONS', '/a.txt', []]);
      const boundless = (response: HttpTestResponse): string => facts(response).replace(/boundary=(?:\\"[^"\\]+\\"|[^"\\]+)/, 'boundary=…');
      for (const [method, target, fields] of random.shuffle([...requests, ...requests])) {
        const [wanted, seen] = [await once(world, plain, method, target, { fields }), await once(world, cached, method, target, { fields })];
        const sent = `${method} ${target} with ${fields.map(([name, value]) => `${name}: ${value}`).join(', ') || 'nothing else'}`;
        check(boundless(seen) === boundless(wanted), { sent, received: boundless(seen), expected: `${boundless(wanted)}, as without a cache` });
        if (!/multipart/.test(fieldValue(wanted, 'content-type') ?? '')) expectBody(seen, wanted.body, sent);
        else check(seen.body.length === wanted.body.length, { sent, received: showResponse(seen), expected: showResponse(wanted) });
      }
    },
  );

  rule(
    'finishes-what-it-began',
    'sends a large file to its end, whatever happens to it in the cache meanwhile',
    {
      rule: 'a file that is open for several clients is closed when the last of them is done with it',
      likely: 'the first client that is done with it closes it for all, or it is closed twice: the second time it is another file',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const block = world.random.bytes(MIB);
      const content = Buffer.concat(Array.from({ length: 24 }, () => block));
      const server = await world.call('serve', { root: site({ 'a.bin': content, 'b.bin': world.random.bytes(300_000) }), options: { cacheBytesMax: 16 * MIB, cacheFileBytesMax: 100_000, cacheWindowMs: 30 } });
      const slow = await world.http(server, { paused: true });
      slow.send('GET', '/a.bin');
      await untilStalled(world, slow.tcp, { sent: 'GET /a.bin (24 MiB), by a client that does not read' });
      for (let rounds = 0; rounds < 3; rounds++) {
        for (const fields of [[['Range', 'bytes=0-9']], [['If-None-Match', '*']]] as Fields[]) await once(world, server, 'GET', '/a.bin', { fields });
        await askUntil(world, server, '/b.bin', performance.now(), 35);
      }
      slow.tcp.resume();
      expectBody(await download(slow, content.length), content, 'GET /a.bin (24 MiB), by a client that reads on when the window is over and others have had their parts');
    },
  );

  rule(
    'spares-the-disk',
    'reads a small file once, not with each request',
    {
      rule: 'within its window, a file in memory is served without the disk',
      likely: 'the cache is filled and never asked',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const content = world.random.bytes(400_000);
      const server = await world.call('serve', { root: site({ 'a.bin': content }), options: { cacheBytesMax: 16 * MIB, cacheWindowMs: 600_000 } });
      // All of the first ones at once.
      await Promise.all(Array.from({ length: 10 }, async () => await expectFile(world, server, '/a.bin', content)));
      const before = await world.call('consumption');
      for (let times = 0; times < 20; times++) await expectFile(world, server, '/a.bin', content);
      const after = await world.call('consumption');
      check(after.readBytes - before.readBytes < 2 * content.length, { sent: 'GET /a.bin (400,000 bytes), twenty times within the window', received: `${count(after.readBytes - before.readBytes, 'byte')} were read`, expected: 'next to nothing: it is in memory' });
    },
  );

  rule(
    'starts-no-stampede',
    'reads a file once for many who ask for it at the same time',
    {
      rule: 'a fill that is under way is shared',
      likely: 'each request that finds nothing starts a fill of its own',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const content = world.random.bytes(900_000);
      const server = await world.call('serve', { root: site({ 'a.bin': content, 'b.txt': 'b' }), options: { cacheBytesMax: 64 * MIB, cacheWindowMs: 600_000 } });
      await expectFile(world, server, '/b.txt', 'b');
      const before = await world.call('consumption');
      const clients = await Promise.all(Array.from({ length: 20 }, async () => await world.http(server)));
      // The server looks up when all of them have asked.
      const still = world.call('standStill', 200);
      for (const http of clients) http.send('GET', '/a.bin');
      await still;
      for (const http of clients) expectBody(await download(http, content.length), content, 'GET /a.bin by twenty clients at once');
      const after = await world.call('consumption');
      check(after.readBytes - before.readBytes < 6 * content.length, { sent: 'GET /a.bin (900,000 bytes) by twenty clients at once', received: `${count(after.readBytes - before.readBytes, 'byte')} were read`, expected: 'about once the file' });
    },
  );

  rule(
    'is-never-stale',
    'serves nothing older than its window: after a change, a replacement, a deletion',
    {
      rule: 'once a window has passed since the change, every request sees it',
      likely: 'an entry that is asked for again and again becomes younger each time',
    },
    async (world) => {
      const { random } = world;
      const windowMs = random.integer(30, 120);
      const root = site({ 'small.txt': 'first', 'large.bin': Buffer.alloc(300_000, 1), 'small.txt.gz/': '' });
      const server = await world.call('serve', { root, options: { cacheBytesMax: 16 * MIB, cacheFileBytesMax: 100_000, cacheWindowMs: windowMs } });
      // A file that has been as it is for an hour may be believed by its size and times, even when they change.
      await world.call('shiftClock', 3_600_000);
      let version = 0;
      for (const [target, bytes] of [['/small.txt', 200], ['/large.bin', 300_000]] as const) {
        const path = join(root, target);
        for (const how of ['rename', 'in place', 'rename', 'in place', 'in place, with size and time as they were', 'rename, with size and time as they were'] as const) {
          const content = Buffer.alloc(bytes, ++version);
          // As `cp -p` and `rsync -t` do; the disk knows all the same that it was changed.
          const mtimeMs = how.includes('as they were') ? statSync(path).mtimeMs : LONG_AGO_MS + version * 1000;
          await askUntil(world, server, target, performance.now(), 5);
          if (how.startsWith('rename')) {
            writeFileSync(`${path}.new`, content);
            setModified(`${path}.new`, mtimeMs);
            renameSync(`${path}.new`, path);
          } else {
            writeFileSync(path, content);
            setModified(path, mtimeMs);
          }
          await askUntil(world, server, target, performance.now(), windowMs + 5);
          const response = await once(world, server, 'GET', target);
          expectStatus(response, 200, `GET ${target}`);
          expectBody(response, content, `GET ${target} more than ${windowMs} ms after it was changed (${how}), cacheWindowMs ${windowMs}`);
        }
        rmSync(path);
        await askUntil(world, server, target, performance.now(), windowMs + 5);
        expectStatus(await once(world, server, 'GET', target), 404, `GET ${target} more than ${windowMs} ms after it was deleted`);
        writeFiles(root, { [target.slice(1)]: 'here again' });
        await askUntil(world, server, target, performance.now(), windowMs + 5);
        expectBody(await once(world, server, 'GET', target), 'here again', `GET ${target} more than ${windowMs} ms after it was made again`);
      }
    },
  );

  rule(
    'reads-nothing-twice',
    'checks whether a file has changed when its window is over, and reads it again only if it has',
    {
      rule: 'size and times tell that the bytes are what they were: checking is cheaper than reading',
      likely: 'the fill is not given the value that may no longer be believed',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const content = world.random.bytes(900_000);
      const windowMs = 20;
      const server = await world.call('serve', { root: site({ 'a.bin': content, 'b.txt': 'b' }), options: { cacheBytesMax: 16 * MIB, cacheWindowMs: windowMs } });
      // A file that has been as it is for an hour may be believed by its size and times.
      await world.call('shiftClock', 3_600_000);
      await expectFile(world, server, '/a.bin', content);
      const before = await world.call('consumption');
      for (let rounds = 0; rounds < 12; rounds++) {
        await askUntil(world, server, '/b.txt', performance.now(), windowMs + 2);
        await expectFile(world, server, '/a.bin', content);
      }
      const after = await world.call('consumption');
      check(after.readBytes - before.readBytes < 3 * content.length, { sent: `GET /a.bin (900,000 bytes), twelve times, each more than the window of ${windowMs} ms after the one before`, received: `${count(after.readBytes - before.readBytes, 'byte')} were read`, expected: 'next to nothing: it has not changed' });
    },
  );

  rule(
    'tells-of-what-it-sends',
    'never says about some bytes what was true of others, when a file changes within the window',
    {
      rule: 'length, tag and date are those of the very bytes that follow (RFC 9110 §8.8): all of the old version or all of the new one',
      likely: 'a file is kept open with what was said about it: the bytes are new, and the rest is old',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const { random } = world;
      const root = site({});
      const server = await world.call('serve', { root, options: { cacheBytesMax: 16 * MIB, cacheFileBytesMax: 100_000, cacheWindowMs: 500 } });
      for (const bytes of [2000, 300_000]) {
        for (const change of ['longer', 'shorter', 'other'] as const) {
          // `cp -p` keeps the time, and then the size alone tells.
          const mtimeMs = change === 'shorter' ? LONG_AGO_MS : LONG_AGO_MS + 60_000;
          const name = `${change}-${bytes}.bin`;
          const old = random.bytes(bytes);
          const young = random.bytes(change === 'longer' ? bytes + 500 : change === 'shorter' ? bytes - 500 : bytes);
          writeFiles(root, { [name]: old });
          const first = await expectFile(world, server, `/${name}`, old);
          writeFiles(root, { [name]: young }, mtimeMs);
          // Asked twice: the first request may be the one that sees it.
          for (let times = 0; times < 2; times++) {
            const sent = `GET /${name} (${count(bytes, 'byte')}), which was changed in place (${change}: ${count(young.length, 'byte')}) within the window`;
            const response = await once(world, server, 'GET', `/${name}`);
            expectStatus(response, 200, sent);
            const isOld = response.body.equals(old);
            if (!isOld) expectBody(response, young, sent);
            for (const field of mtimeMs === LONG_AGO_MS ? ['etag'] : ['etag', 'last-modified']) {
              const same = fieldValue(response, field) === fieldValue(first, field);
              check(same === isOld, { sent, received: `the ${isOld ? 'old' : 'new'} bytes with ${field}: ${fieldValue(response, field)}`, expected: `the ${field} of the version that is sent` });
            }
          }
        }
      }
    },
  );

  rule(
    'takes-in-no-giant',
    'takes no file into memory that is too large for it',
    {
      rule: '`cacheFileBytesMax` is checked before the file is read: a gibibyte is served piece by piece, as without a cache',
      likely: 'the whole file is read first, and then it is too large to be kept',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const root = site({});
      writeSparse(join(root, 'large.bin'), 1 << 30);
      const server = await world.call('serve', { root, options: { cacheBytesMax: 16 * MIB } });
      const http = await world.http(server);
      http.send('GET', '/large.bin');
      await http.tcp.until(() => http.tcp.receivedBytes > 1000, { expected: 'the beginning of a file of 1 GiB' });
      http.tcp.pause();
      await untilStalled(world, http.tcp, { sent: 'GET /large.bin (1 GiB), cacheBytesMax 16 MiB, by a client that stops reading' });
      check((await world.call('consumption')).readBytes < 256 * MIB, { sent: 'GET /large.bin (1 GiB), cacheBytesMax 16 MiB, by a client that stops reading', received: 'hundreds of megabytes were read', expected: 'no more than the client takes' });
    },
  );

  rule(
    'bounds-its-memory',
    'keeps no more in memory than it may, however many files are asked for',
    {
      rule: 'cacheBytesMax is for all files together',
      likely: 'the limit is checked for each file and not for their sum',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const root = site({});
      const files = 60;
      for (let number = 0; number < files; number++) writeSparse(join(root, `${number}.bin`), 3 * MIB);
      const server = await world.call('serve', { root, options: { cacheBytesMax: 8 * MIB, cacheFileBytesMax: 4 * MIB, cacheWindowMs: 600_000 } });
      const before = await world.call('residentAfterCollection');
      for (let number = 0; number < files; number++) {
        const http = await world.http(server);
        http.send('GET', `/${number}.bin`);
        await http.tcp.until(() => http.tcp.receivedBytes > 3 * MIB, { expected: 'a file of 3 MiB' });
        http.tcp.destroy();
      }
      const grown = (await world.call('residentAfterCollection')) - before;
      check(grown < 100 * MIB, { sent: `GET of ${files} files of 3 MiB each, cacheBytesMax 8 MiB`, received: `${count(grown, 'byte')} more memory`, expected: 'some buffers, and no more than 8 MiB of files' });
    },
  );

  rule(
    'lets-files-go',
    'keeps no file open for longer than its window',
    {
      rule: 'a deleted file takes up room on the disk for as long as somebody has it open',
      likely: 'what is dropped from the cache is not closed, or nothing is checked after the last request',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const root = site({ 'small.txt': 'small', 'large.bin': world.random.bytes(2 * MIB) });
      const server = await world.call('serve', { root, options: { cacheBytesMax: 16 * MIB, cacheFileBytesMax: 100_000, cacheWindowMs: 50 } });
      const large = await once(world, server, 'GET', '/large.bin');
      check(large.body.length === statSync(join(root, 'large.bin')).size, { sent: 'GET /large.bin', received: showResponse(large), expected: 'all of it' });
      for (const [method, fields] of [['GET', []], ['HEAD', []], ['GET', [['Range', 'bytes=0-9']]], ['GET', [['If-None-Match', '*']]]] as [string, Fields][]) {
        for (const target of ['/small.txt', '/large.bin', '/nothing']) await once(world, server, method, target, { fields });
        await expectFilesClosed(world, root, `${method} /large.bin (2 MiB), cacheWindowMs 50`, { patienceMs: 4000 });
      }
    },
  );

  rule(
    'logs-each-response',
    'reports each response to the access log, once, with the bytes of its body that were sent',
    {
      rule: 'a line for each response, when its last byte has gone or never will: the log of the finished tool',
      likely: 'a body is closed twice or never, or HEAD and 304 are counted with the bytes that they do not send',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const { random } = world;
      const root = site({ 'a.txt': random.words(30), 'empty.txt': '', 'large.bin': random.bytes(400_000), 'sub/grüße.txt': 'a' });
      writeSparse(join(root, 'giant.bin'), 1 << 30);
      const server = await world.call('serve', { root, log: true, options: { listing: true, cacheBytesMax: 16 * MIB, cacheFileBytesMax: 100_000, cacheWindowMs: 60_000 } });
      const requests: [method: string, target: string, fields: Fields][] = [['POST', '/a.txt', []], ['OPTIONS', '/a.txt', []]];
      for (const target of ['/a.txt', '/empty.txt', '/large.bin', '/sub/', '/sub', '/nothing', '/%zz']) {
        for (const fields of [[], [['Range', 'bytes=2-9']], [['Range', 'bytes=0-1,5-6']], [['Range', 'bytes=99999999-']], [['If-None-Match', '*']], [['If-Match', '"another"']]] as Fields[]) {
          for (const method of ['GET', 'HEAD']) requests.push([method, target, fields]);
        }
      }
      const seen = async (number: number, sent: string): Promise<LoggedResponse> => {
        let entries: LoggedResponse[] = [];
        const report = {
          sent,
          get received(): string {
            return `${entries.length} entries for ${number} responses`;
          },
          expected: 'an entry for each response',
        };
        await eventually(world, async () => (entries = await world.call('logged')).length >= number, report, 4000);
        check(entries.length === number, report);
        return entries[number - 1]!;
      };
      const startMs = Date.now();
      let number = 0;
      for (const [method, target, fields] of random.shuffle([...requests, ...requests])) {
        const response = await once(world, server, method, target, { fields });
        const sent = `${method} ${target} with ${fields.map(([name, value]) => `${name}: ${value}`).join(', ') || 'nothing else'}`;
        const entry = await seen(++number, sent);
        check(response.status < 500, { sent, received: showResponse(response), expected: 'what a server without a log would answer' });
        const right = entry.method === method && entry.target === target && entry.status === response.status && entry.bytes === response.body.length;
        check(right, { sent, received: `the entry ${entry.method} ${entry.target}, ${entry.status}, ${count(entry.bytes, 'byte')}`, expected: `${method} ${target}, ${response.status}, ${count(response.body.length, 'byte')}` });
        check(entry.timeMs >= startMs - 1000 && entry.timeMs <= Date.now() + 1000, { sent, received: `the time ${entry.timeMs}`, expected: `a time from ${startMs} on` });
      }
      // A client that leaves in the middle is in it, too.
      const http = await world.http(server);
      http.send('GET', '/giant.bin');
      await http.tcp.until(() => http.tcp.receivedBytes > 4 * MIB, { expected: 'the beginning of a file of 1 GiB' });
      http.tcp.resetNow();
      const sent = 'GET /giant.bin (1 GiB), by a client that leaves after 4 MiB';
      const left = await seen(++number, sent);
      check(left.target === '/giant.bin' && left.status === 200 && left.bytes > MIB && left.bytes < 1 << 30, { sent, received: `the entry ${left.target}, ${left.status}, ${count(left.bytes, 'byte')}`, expected: '/giant.bin, 200, what was sent of it' });
    },
  );

  rule(
    'writes-lines',
    'writes log lines that nobody can cut short or forge',
    {
      rule: 'the Common Log Format: whatever a client sends stays within its quotes',
      likely: 'a quote or a line end in a target begins another field, or another line',
    },
    async ({ call, random }) => {
      const word = random.word();
      const plain = { method: 'GET', target: `/${word}?a=b`, httpVersion: '1.1', remoteAddress: '127.0.0.1', status: 200, bytes: random.integer(1, 1e9), timeMs: Date.UTC(1994, 10, 6, 8, 49, 37, 999) };
      const cases: [entry: LogLineCase, line: string][] = [
        [plain, `127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] "GET /${word}?a=b HTTP/1.1" 200 ${plain.bytes}`],
        [{ ...plain, bytes: 0, method: 'HEAD', httpVersion: '1.0' }, `127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] "HEAD /${word}?a=b HTTP/1.0" 200 -`],
        [{ ...plain, bytes: 0, status: 304, remoteAddress: undefined }, `- - - [06/Nov/1994:08:49:37 +0000] "GET /${word}?a=b HTTP/1.1" 304 -`],
        ...['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'].map((month, index): [LogLineCase, string] => [{ ...plain, timeMs: Date.UTC(2024, index, 9) }, `127.0.0.1 - - [09/${month}/2024:00:00:00 +0000] "GET /${word}?a=b HTTP/1.1" 200 ${plain.bytes}`]),
        [{ ...plain, remoteAddress: '::1', timeMs: Date.UTC(2026, 0, 31, 23, 59, 59) }, `::1 - - [31/Jan/2026:23:59:59 +0000] "GET /${word}?a=b HTTP/1.1" 200 ${plain.bytes}`],
      ];
      // In local time it is another day.
      await call('shiftClock', 0, 'Pacific/Kiritimati');
      const outcomes = await call('logLines', cases.map(([entry]) => entry));
      cases.forEach(([entry, line], index) => check('accepted' in outcomes[index]! && outcomes[index].accepted === line, { sent: `logLine of ${JSON.stringify(entry)}`, received: showOutcome(outcomes[index]!), expected: line }));
      const hostile = [`/" 200 1 "${word}`, `/${word}\\`, `/\n127.0.0.1 - - [${word}]`, '/\x1b[2J', `/\u007f${word}`, `/\u0080\u00ff"`, `/\r"\\"`];
      const lines = await call('logLines', hostile.map((target) => ({ ...plain, target })));
      hostile.forEach((target, index) => {
        const outcome = lines[index]!;
        const line = 'accepted' in outcome ? String(outcome.accepted) : '';
        check(/^127\.0\.0\.1 - - \[[^\]]*\] "GET \/(?:[^"\\]|\\.)* HTTP\/1\.1" 200 \d+$/.test(line) && /^[\x20-\x7e]*$/.test(line), { sent: `logLine of a request for ${JSON.stringify(target)}`, received: showOutcome(outcome), expected: 'one line of visible ASCII, in which the quotes end where the request does' });
        const told = /"GET (.*) HTTP\/1\.1"/.exec(line)?.[1]?.replaceAll(/\\(?:x([\da-f]{2})|(.))/gi, (_, hex?: string, plainly?: string) => (hex === undefined ? (plainly ?? '') : String.fromCharCode(parseInt(hex, 16))));
        check(told === target, { sent: `logLine of a request for ${JSON.stringify(target)}`, received: showOutcome(outcome), expected: 'what was asked for, with \\x and two digits for what may not appear there' });
      });
    },
  );
});

/** Leaves out puts for keys with a fill under way: they would wait for it. */
function withoutWaiting(steps: readonly Step[]): Step[] {
  const open = new Map<string, number>();
  return steps.filter((step) => {
    if (step.do === 'load') open.set(step.key, (open.get(step.key) ?? 0) + 1);
    if (step.do === 'settle' || step.do === 'fail') open.set(step.fill[0]!, (open.get(step.fill[0]!) ?? 1) - 1);
    return step.do !== 'put' || (open.get(step.key) ?? 0) === 0;
  });
}
