import { chmodSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type driver from './driver.ts';
import type { Outcome } from './driver.ts';
import { scratchFolder, site, writeFiles } from './files.ts';
import { NEEDS_LINKS, showOutcome } from './wire.ts';

/** The statuses that may answer a path that is not to be served: the RFCs leave the choice. */
const REFUSALS = [400, 403, 404];

/** Each case must be refused with one of the statuses, and never by breaking. */
function expectRefused(cases: readonly string[], outcomes: readonly Outcome<unknown>[], statuses: readonly number[], likely?: string): void {
  cases.forEach((path, index) => {
    const outcome = outcomes[index] as Outcome<unknown>;
    check('refused' in outcome && statuses.includes(outcome.refused), {
      sent: JSON.stringify(path),
      received: showOutcome(outcome),
      expected: `an HttpError with status ${statuses.join(' or ')}`,
      ...(likely === undefined ? {} : { likely }),
    });
  });
}

/** Each path must lead to the file next to it. */
function expectFound(cases: readonly (readonly [path: string, file: string])[], outcomes: readonly Outcome<string>[], circumstances = ''): void {
  cases.forEach(([path, file], index) => {
    const outcome = outcomes[index] as Outcome<string>;
    check('accepted' in outcome && outcome.accepted === file, { sent: JSON.stringify(path) + circumstances, received: showOutcome(outcome), expected: JSON.stringify(file) });
  });
}

exercise<typeof driver>('3.1', import.meta.url, (rule) => {
  rule(
    'splits-and-decodes',
    'splits a path at its slashes and decodes each name',
    {
      rule: 'a path is split first; then each segment is decoded, once, as UTF-8 (RFC 3986 §2.4, §3.3)',
      likely: '`decodeURIComponent` for each segment; a `+` stays a `+`',
    },
    async ({ call, random }) => {
      const plain = random.word();
      const cases: [path: string, names: string[], isDirectory: boolean][] = [
        ['/', [], true],
        [`/${plain}`, [plain], false],
        [`/${plain}/`, [plain], true],
        [`/a/${plain}/c.txt`, ['a', plain, 'c.txt'], false],
        ['/two%20words', ['two words'], false],
        ['/a+b', ['a+b'], false],
        ['/gr%C3%BC%C3%9Fe/%e4%b8%96', ['grüße', '世'], false],
        ['/%F0%9F%8C%8D', ['🌍'], false],
        ['/100%25', ['100%'], false],
        ['/%2561', ['%61'], false],
        ['/a:b;c=1@d', ['a:b;c=1@d'], false],
        ['/%41%62c/', ['Abc'], true],
        ['/...', ['...'], false],
        ['/a..b/c..', ['a..b', 'c..'], false],
      ];
      // A name of three dots begins with one.
      const outcomes = await call('decodePaths', cases.map(([path]) => path), { dotfiles: true, platform: 'linux' });
      cases.forEach(([path, names, isDirectory], index) => {
        const outcome = outcomes[index] as Outcome<{ names: string[]; isDirectory: boolean }>;
        check('accepted' in outcome && JSON.stringify(outcome.accepted) === JSON.stringify({ names, isDirectory }), {
          sent: `decodePath(${JSON.stringify(path)})`,
          received: showOutcome(outcome),
          expected: JSON.stringify({ names, isDirectory }),
        });
      });
    },
  );

  rule(
    'refuses-broken-escapes',
    'refuses a path with a broken escape, with bytes that are not UTF-8, or with NUL',
    {
      rule: 'what is not a path is a bad request: 400 (RFC 3986 §2.1, RFC 9110 §15.5.1)',
      likely: '`decodeURIComponent` throws a URIError, and nobody turns it into an HttpError; it lets NUL through',
    },
    async ({ call, random }) => {
      const word = random.word();
      const paths = ['/%', '/%z', '/%zz', `/${word}%2`, '/%g1/a', '/%ff', '/%c3%28', '/%C0%AE%C0%AE', '/%ed%a0%80', '/%00', `/${word}%00.txt`, `/${word}.txt%00.png`, '/a/%00/b'];
      expectRefused(paths, await call('decodePaths', paths), [400]);
    },
  );

  rule(
    'refuses-dot-segments',
    'refuses `.` and `..`, however they are written',
    {
      rule: 'a client resolves dot segments before it sends a path (RFC 3986 §5.2.4): what still has them is not the path of a file',
      likely: 'the names are judged before they are decoded',
    },
    async ({ call, random }) => {
      const word = random.word();
      const paths = ['/..', '/../', '/../secret', `/${word}/../../secret`, `/${word}/..`, '/%2e%2e/secret', '/%2E%2E/secret', '/.%2e/secret', '/%2e./secret', '/./a', '/%2e/a', `/${word}/.`, `/${word}/%2e/`];
      // Dotfiles allowed: these are not dotfiles.
      for (const rules of [{}, { dotfiles: true }]) expectRefused(paths, await call('decodePaths', paths, rules), REFUSALS);
    },
  );

  rule(
    'refuses-separators',
    'refuses a name with a separator in it, and empty names',
    {
      rule: 'an encoded separator is part of a name (RFC 3986 §2.2), and no file has one in its name',
      likely: 'the whole path is decoded first and only then split',
    },
    async ({ call, random }) => {
      const word = random.word();
      const groups: [paths: string[], likely?: string][] = [
        [[`/a%2f${word}`, `/a%2F${word}`, '/..%2fsecret', '/%2fetc%2fpasswd', '/%2f']],
        [[`/a%5c${word}`, '/..%5Csecret', '/a\\b', '/%5c'], 'the backslash is taken for a character like any other, but it separates names on Windows'],
        [['//', `//${word}`, `/${word}//`, `/a//${word}`, '//localhost/a'], 'empty names are dropped, or more than one slash at the end is taken for one: then one file has many URLs'],
      ];
      for (const [paths, likely] of groups) expectRefused(paths, await call('decodePaths', paths), REFUSALS, likely);
    },
  );

  rule(
    'refuses-dotfiles',
    'refuses names that begin with a dot, except `.well-known`',
    {
      rule: 'what begins with a dot is hidden: `.git`, `.env`, `.htpasswd`; not `.well-known`, which is there for clients to find (RFC 8615)',
      likely: 'only the last name is checked, or a name before it is decoded, or only the beginning of `.well-known`',
    },
    async ({ call, random }) => {
      const word = random.word();
      const hidden = ['/.git', '/.git/config', `/a/.${word}`, `/.${word}/a.txt`, '/%2egit/config', '/.env', '/...', '/.well-knownx', '/.well-known/.git', `/.well-known/.${word}`];
      expectRefused(hidden, await call('decodePaths', hidden), REFUSALS);
      const allowed = ['/.well-known/acme-challenge/a-b_c', '/.well-known/security.txt', `/${word}.`, `/a.${word}`];
      const shown = ['/.git/config', `/a/.${word}`, '/%2egit'];
      for (const [paths, rules] of [[allowed, { platform: 'linux' as const }], [shown, { dotfiles: true, platform: 'linux' as const }]] as const) {
        const outcomes = await call('decodePaths', [...paths], rules);
        paths.forEach((path, index) => {
          const outcome = outcomes[index] as Outcome<unknown>;
          check('accepted' in outcome, { sent: `decodePath(${JSON.stringify(path)}, ${JSON.stringify(rules)})`, received: showOutcome(outcome), expected: 'its names' });
        });
      }
    },
  );

  rule(
    'refuses-long-names',
    'refuses a name that no file can have',
    {
      rule: 'a file system takes names of up to 255 bytes; a longer one names nothing: 404, not a failure of ours',
      likely: 'the length is counted in characters and not in bytes of UTF-8',
    },
    async ({ call, random }) => {
      const letters = 'a'.repeat(255);
      const umlauts = encodeURIComponent('ü'.repeat(127));
      const fine = [`/${letters}`, `/${umlauts}`, `/${umlauts}a`, `/b/${letters}/c`];
      const outcomes = await call('decodePaths', fine);
      fine.forEach((path, index) => check('accepted' in (outcomes[index] as Outcome<unknown>), { sent: `${path.slice(0, 30)}…, 254 or 255 bytes`, received: showOutcome(outcomes[index] as Outcome<unknown>), expected: 'its names' }));
      const long = [`/${letters}a`, `/${encodeURIComponent('ü'.repeat(128))}`, `/a/${'x'.repeat(random.integer(256, 5000))}/b`];
      expectRefused(long, await call('decodePaths', long), [400, 403, 404, 414]);
      // And on a real disk, names and whole paths that are too long for it.
      const root = site({ 'a.txt': 'a' });
      const paths = [`/${letters}b`, `/${'d/'.repeat(3000)}a.txt`, `/${`${letters}/`.repeat(30)}a`];
      expectRefused(paths, await call('resolvePaths', root, paths), [400, 403, 404, 414]);
    },
  );

  rule(
    'knows-windows',
    'refuses names that Windows would take for something else, when it runs there',
    {
      rule: 'on Windows a colon opens a stream, a trailing dot or space is dropped, CON and NUL are devices, GIT~1 is .git',
      likely: 'the pattern is not used, or it is used on every platform',
      section: 'From a URL to a file',
    },
    async ({ call, random }) => {
      const word = random.word();
      const devices = ['con', 'NUL', 'aux', 'Prn', 'CONIN$', 'conout$', 'Com1', 'lpt9', 'COM\u00b9', 'lpt\u00b3'];
      const odd = [`${word}.txt::$DATA`, `${word}.txt.`, `${word} `, ...devices, `nul.${word}`, 'lpt9.tar.gz', 'con .txt', 'aux  .log', 'C:', `a${random.pick([...'*?"<>|'])}b`, 'GIT~1', `${word}~2.txt`];
      const windows = await call('mayBeServed', odd, { platform: 'win32' });
      const linux = await call('mayBeServed', odd, { platform: 'linux' });
      // These only look like it.
      const harmless = [word, `${word}.txt`, 'console', 'a.con', `${word}-con`, 'nulx.txt', 'com', 'com12', 'lpt', 'com1x', 'conin', 'a b.txt', '.well-known', `~${word}`, `${word}~x`, '1~', "{a}[b]'c'"];
      const plain = await call('mayBeServed', harmless, { platform: 'win32' });
      odd.forEach((name, index) => {
        const outcome = windows[index] as Outcome<boolean>;
        check('accepted' in outcome && !outcome.accepted, { sent: `mayBeServed(${JSON.stringify(name)}, { platform: 'win32' })`, received: showOutcome(outcome), expected: 'false' });
        const elsewhere = linux[index] as Outcome<boolean>;
        check('accepted' in elsewhere && elsewhere.accepted, { sent: `mayBeServed(${JSON.stringify(name)}, { platform: 'linux' })`, received: showOutcome(elsewhere), expected: 'true: elsewhere it is a name like any other' });
      });
      harmless.forEach((name, index) => {
        const outcome = plain[index] as Outcome<boolean>;
        check('accepted' in outcome && outcome.accepted, { sent: `mayBeServed(${JSON.stringify(name)}, { platform: 'win32' })`, received: showOutcome(outcome), expected: 'true: it means nothing but itself' });
      });
    },
  );

  rule(
    'compares-with-the-separator',
    'tells a path within a directory from one that only begins with its name',
    {
      rule: '/srv/www-private is not within /srv/www',
      likely: '`path.startsWith(directory)` without the separator after it',
    },
    async ({ call, random }) => {
      const root = join('/srv', random.word());
      const cases: [directory: string, path: string, within: boolean][] = [
        [root, root, true],
        [root, join(root, 'a'), true],
        [root, join(root, 'a', 'b.txt'), true],
        [root, `${root}-private`, false],
        [root, `${root}-private/a`, false],
        [root, `${root}.txt`, false],
        [root, '/srv', false],
        [root, '/', false],
        ['/', '/etc/passwd', true],
        ['/', '/', true],
      ];
      const outcomes = await call('areWithin', cases.map(([directory, path]) => ({ directory, path })));
      cases.forEach(([directory, path, within], index) => {
        const outcome = outcomes[index] as Outcome<boolean>;
        check('accepted' in outcome && outcome.accepted === within, { sent: `isWithin('${directory}', '${path}')`, received: showOutcome(outcome), expected: String(within) });
      });
    },
  );

  rule(
    'finds-files',
    'finds files and directories below the root, whatever they are called',
    {
      rule: 'a path leads to the file with its names below the root',
      likely: 'the undecoded name is looked up',
    },
    async ({ call, random }) => {
      const word = random.word();
      const names = [`${word}.txt`, `sub/${word}`, 'two words.txt', '100%.txt', '%2e%2e', 'a+b', 'grüße/世界.txt', 'q?a#b&c', '.well-known/a', 'quote"\'.txt'];
      const root = site(Object.fromEntries(names.map((name) => [name, name])));
      const cases: [string, string][] = names.map((name) => [`/${name.split('/').map(encodeURIComponent).join('/')}`, join(root, name)]);
      cases.push(['/', root], ['/sub', join(root, 'sub')], ['/sub/', join(root, 'sub')]);
      expectFound(cases, await call('resolvePaths', root, cases.map(([path]) => path)));
    },
  );

  rule(
    'finds-nothing-elsewhere',
    'finds nothing that is not there, and nothing below a file',
    {
      rule: 'a path that names no file is answered with 404 (RFC 9110 §15.5.5): even a file that is asked for as a directory',
      likely: 'ENOENT, ENOTDIR, ENAMETOOLONG or ELOOP reaches the caller as it is',
    },
    async ({ call, random }) => {
      const word = random.word();
      const root = site({ [`${word}.txt`]: word, 'sub/b.txt': 'b' });
      symlinkSync('loop', join(root, 'loop'));
      symlinkSync('nowhere', join(root, 'dangling'));
      const paths = [`/${word}`, `/sub/${word}.txt`, `/${word}.txt/`, `/${word}.txt/a`, `/${word}.txt/a/b`, `/nothing/${word}.txt`, '/loop', '/loop/a', '/dangling'];
      expectRefused(paths, await call('resolvePaths', root, paths), [404]);
      const missing = await call('resolvePaths', join(root, 'not-there'), ['/', '/a']);
      expectRefused(['/ below a root that is not there', '/a below a root that is not there'], missing, [404]);
    },
  );

  rule(
    'never-leaves-the-root',
    'finds no secret outside the root, however a path is written',
    {
      rule: 'nothing outside the root is served',
      likely: 'the path is joined to the root before its names are judged',
    },
    async ({ call, random }) => {
      const secret = random.word();
      const folder = scratchFolder();
      const root = join(folder, 'www');
      mkdirSync(root);
      writeFiles(folder, { 'www/index.html': 'hello', 'www/sub/a.txt': 'a', [secret]: 'the secret', 'www-private/a': 'private' });
      const up = ['..', '%2e%2e', '.%2e', '%2E.', '..%2f', '%2e%2e%2f', '..%5c', '%2e%2e%5c', '....', '..;', '%252e%252e', '..%00', '%c0%ae%c0%ae', '..%c0%af', '. .', '.. '];
      const paths = up.flatMap((step) => [`/${step}/${secret}`, `/sub/${step}/${step}/${secret}`, `/${step}${secret}`, `/sub/${step}/../${secret}`, `//${step}/${secret}`]);
      paths.push('/../www-private/a', `/....//${secret}`, `${folder}/${secret}`, `/${folder}/${secret}`, `/%2f${folder}/${secret}`, '/sub/../../www-private/a', `/sub/..%2f..%2f${secret}`);
      const outcomes = await call('resolvePaths', root, paths);
      expectRefused(paths, outcomes, REFUSALS, 'a step up is seen in one spelling and not in another');
      for (const path of ['', secret, 'index.html', '*', 'http://localhost/index.html']) {
        const [outcome] = await call('resolvePaths', root, [path]);
        check(outcome !== undefined && 'refused' in outcome, { sent: JSON.stringify(path), received: showOutcome(outcome as Outcome<string>), expected: 'an HttpError: it does not begin with a slash', likely: 'the first character is cut off, whatever it is' });
      }
    },
  );

  rule(
    'follows-links-within',
    'follows symbolic links within the root, to a file or a directory',
    {
      rule: 'a link within the root leads to a file within the root; the root itself may be one',
      likely: 'the real path of the file is compared with the name of the root, and not with its real path',
      skip: NEEDS_LINKS,
    },
    async ({ call, random }) => {
      const word = random.word();
      const root = site({ 'sub/deep/a.txt': 'a', [`${word}.txt`]: word });
      symlinkSync(join(root, `${word}.txt`), join(root, 'absolute'));
      symlinkSync('sub/deep', join(root, 'relative'));
      symlinkSync('../../relative', join(root, 'sub/deep/chain'));
      const linked = join(scratchFolder(), 'linked-root');
      symlinkSync(root, linked);
      const cases: [string, string][] = [
        ['/absolute', join(root, `${word}.txt`)],
        ['/relative/a.txt', join(root, 'sub/deep/a.txt')],
        ['/relative', join(root, 'sub/deep')],
        ['/sub/deep/chain/a.txt', join(root, 'sub/deep/a.txt')],
      ];
      for (const start of [root, linked]) expectFound(cases, await call('resolvePaths', start, cases.map(([path]) => path)));
      expectFound([['/', root], ['/sub/', join(root, 'sub')]], await call('resolvePaths', linked, ['/', '/sub/']));
    },
  );

  rule(
    'follows-no-link-out',
    'follows no symbolic link out of the root, unless it is told to',
    {
      rule: 'what counts is where a name leads: the real path lies within the root, or the answer is 404',
      likely: 'the names are judged, and then the file is opened: links are followed unchecked; or the paths are compared without the separator',
      skip: NEEDS_LINKS,
    },
    async ({ call, random }) => {
      const secret = random.word();
      const folder = scratchFolder();
      const root = join(folder, 'www');
      mkdirSync(root);
      writeFiles(folder, { 'www/a.txt': 'a', [`out/${secret}`]: 'the secret', 'www-private/b': 'private', 'www.txt': 'beside' });
      symlinkSync(join(folder, 'out', secret), join(root, 'file'));
      symlinkSync('../out', join(root, 'folder'));
      symlinkSync('folder', join(root, 'chain'));
      symlinkSync('../www-private', join(root, 'sibling'));
      symlinkSync('../www.txt', join(root, 'beside'));
      symlinkSync('..', join(root, 'up'));
      symlinkSync('/', join(root, 'slash'));
      const cases: [string, string][] = [
        ['/file', join(folder, 'out', secret)],
        [`/folder/${secret}`, join(folder, 'out', secret)],
        ['/folder', join(folder, 'out')],
        [`/chain/${secret}`, join(folder, 'out', secret)],
        ['/sibling/b', join(folder, 'www-private/b')],
        ['/beside', join(folder, 'www.txt')],
        [`/up/out/${secret}`, join(folder, 'out', secret)],
        ['/slash/', '/'],
      ];
      const paths = cases.map(([path]) => path);
      expectRefused(paths, await call('resolvePaths', root, paths), [403, 404]);
      expectFound(cases, await call('resolvePaths', root, paths, { followOutside: true }), ', a link out of the root, with { followOutside: true }');
      // Out, and in again: what counts is where it ends.
      const [back] = await call('resolvePaths', root, [`/up/${basename(root)}/a.txt`]);
      check(back !== undefined && ('refused' in back || ('accepted' in back && back.accepted === join(root, 'a.txt'))), { sent: `/up/${basename(root)}/a.txt`, received: showOutcome(back as Outcome<string>), expected: '404, or the file within the root' });
      const rest = await call('resolvePaths', root, ['/a.txt'], { followOutside: true });
      expectFound([['/a.txt', join(root, 'a.txt')]], rest, ', with { followOutside: true }');
    },
  );

  rule(
    'follows-a-root-that-moves',
    'finds the files of the next version when the root, a link, has been set to it',
    {
      rule: 'many deploy by setting a link from one directory to another: from then on that one is the root',
      likely: 'the real path of the root is looked up once, and used for ever',
      skip: NEEDS_LINKS,
    },
    async ({ call, random }) => {
      const name = `${random.word()}.txt`;
      const folder = scratchFolder();
      const root = join(folder, 'www');
      const versions = ['one', 'two', 'three'];
      for (const version of versions) writeFiles(folder, { [`${version}/${name}`]: version, [`${version}/sub/b.txt`]: version, 'beside.txt': 'beside' });
      for (const version of [...versions, 'one']) {
        symlinkSync(version, join(folder, 'next'));
        renameSync(join(folder, 'next'), root);
        const cases: [string, string][] = [[`/${name}`, join(folder, version, name)], ['/sub/b.txt', join(folder, version, 'sub/b.txt')]];
        expectFound(cases, await call('resolveBelow', root, cases.map(([path]) => path)), `, with the root set to '${version}'${version === 'one' ? '' : ' while the server runs'}`);
      }
      // That does not mean that anything goes.
      symlinkSync('../beside.txt', join(folder, 'one/out'));
      expectRefused(['/out'], await call('resolveBelow', root, ['/out']), [403, 404], 'what is not within the remembered path is let through');
    },
  );

  rule(
    'refuses-what-may-not-be-read',
    'answers 403 or 404 for a file in a directory that may not be entered',
    {
      rule: 'a file that the server may not read is refused (RFC 9110 §15.5.4), not a failure of the server',
      likely: 'EACCES reaches the caller as it is',
      skip: NEEDS_LINKS,
    },
    async ({ call }) => {
      const root = site({ 'closed/a.txt': 'a' });
      chmodSync(dirname(root), 0o755);
      chmodSync(join(root, 'closed'), 0o000);
      await call('dropRights');
      const [outcome] = await call('resolvePaths', root, ['/closed/a.txt']);
      chmodSync(join(root, 'closed'), 0o755);
      expectRefused(['/closed/a.txt'], [outcome as Outcome<string>], [403, 404]);
    },
  );
});
