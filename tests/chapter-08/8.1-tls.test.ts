/** 8.1 TLS: secured connections, names, certificates that change, and what is said when they cannot be used. */
import { createSecureContext } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { closing, eventually, expectStatus, over, staysOpen, theOnly } from '#support/http-exchange.ts';
import { fieldValues } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import { clientHello, endlessHello, helloForLongName } from './hello.ts';
import { describe, staged, toldBy } from './stage.ts';
import type { Stage } from './stage.ts';

/** Long enough for a handshake that is not slow on purpose, also on a busy machine. */
const HANDSHAKE_MS = 500;
const CUT_MS = 5_000;
/** A supervisor and its workers start, or take their leave. */
const BOOT_MS = 15_000;
const onWindows = process.platform === 'win32' ? 'Windows has neither signals nor descriptors that are handed on' : undefined;

const hasHybridGroup = ((): boolean => {
  try {
    createSecureContext({ ecdhCurve: 'X25519MLKEM768' });
    return true;
  } catch {
    return false;
  }
})();

exercise<typeof driver>('8.1', import.meta.url, (rule) => {
  rule(
    'speaks-https',
    'serves the application over TLS, and tells it so',
    {
      rule: 'with a certificate among the settings, requests come over TLS and their scheme is `https` (RFC 9110 §4.2.2)',
      likely: 'the sockets that requests are read from are those that `net` accepted, and not those of the handshake',
    },
    staged(async (stage) => {
      const { random } = stage.world;
      const { address, files } = await stage.serveSecure();
      const body = random.words(random.integer(1, 5_000));
      const http = await stage.secure(address, { servername: 'localhost' });
      check(http.tcp.tls.getPeerX509Certificate()?.fingerprint256 === files.fingerprint, {
        sent: 'a handshake', received: 'another certificate', expected: 'the certificate that was given',
      });
      for (const [method, target] of [['GET', '/first'], ['POST', '/second']] as const) {
        http.send(method, target, method === 'POST' ? { body } : {});
        const told = toldBy(await http.response(), `${method} ${target} over TLS`);
        const isRight = told.scheme === 'https' && told.path === target && told.body === (method === 'POST' ? body : '');
        check(isRight, {
          sent: `${method} ${target} over TLS`,
          received: `an application that was told of ${told.scheme}, ${told.path} and a body of ${told.body.length} bytes`,
          expected: `https, ${target} and ${method === 'POST' ? body.length : 0} bytes`,
        });
      }
    }),
  );

  rule(
    'certificate-by-name',
    'shows the certificate of the host that the client names, and the first one to clients that name none',
    {
      rule: 'the server name (SNI) selects the certificate (RFC 6066 §3); a wildcard stands for one label (RFC 9525 §6.3)',
      likely: 'the certificate of the server is used, whatever the callback for names would give',
    },
    staged(async (stage) => {
      const first = stage.certificate('first', { names: ['one.example', 'www.one.example'] });
      const second = stage.certificate('second', { names: ['two.example'] });
      const wild = stage.certificate('wild', { names: ['*.wild.example'] });
      const { address } = await stage.serve({ certificates: [first.pair, second.pair, wild.pair] });
      const cases: readonly (readonly [string | undefined, string])[] = [
        ['one.example', first.fingerprint], ['www.one.example', first.fingerprint], ['two.example', second.fingerprint],
        ['shop.wild.example', wild.fingerprint], [undefined, first.fingerprint],
      ];
      for (const [servername, fingerprint] of stage.world.random.shuffle(cases)) {
        const shown = await stage.ask(address, { tls: servername === undefined ? {} : { servername }, host: servername ?? 'localhost' });
        expectStatus(shown.response, 200, `a request for ${servername ?? 'no name'}`);
        check(shown.fingerprint === fingerprint, {
          sent: `a ClientHello for ${servername ?? 'no name'}`,
          received: `the certificate of ${[first, second, wild].findIndex((files) => files.fingerprint === shown.fingerprint) + 1} of 3`,
          expected: `that of ${[first, second, wild].findIndex((files) => files.fingerprint === fingerprint) + 1} of 3`,
        });
      }
      for (const servername of ['wild.example', 'a.shop.wild.example', 'xwild.example']) {
        const { client, isIn } = await stage.tries(address, { servername });
        check(!isIn || client.tls.getPeerX509Certificate()?.fingerprint256 !== wild.fingerprint, {
          sent: `a ClientHello for ${servername}`, received: 'the certificate of *.wild.example', expected: 'another one, or none',
        });
      }
    }),
  );

  rule(
    'names-in-capitals',
    'takes the name of a host in capitals for the same name',
    {
      rule: 'names of hosts are compared without regard to case (RFC 9525 §6.3, RFC 4343)',
      likely: 'the name is looked up as the client has written it',
      attack: { name: 'a server name in capitals', year: 2026, cve: 'CVE-2026-48928', fell: 'Node.js' },
    },
    staged(async (stage) => {
      const first = stage.certificate('first', { names: ['one.example'] });
      const second = stage.certificate('second', { names: ['Two.Example', '*.wild.example'] });
      const { address } = await stage.serve({ certificates: [first.pair, second.pair] });
      for (const servername of ['TWO.EXAMPLE', 'tWo.example', 'two.example', 'SHOP.Wild.example']) {
        const { fingerprint } = await stage.ask(address, { tls: { servername } });
        check(fingerprint === second.fingerprint, {
          sent: `a ClientHello for ${servername}`, received: 'the certificate of another host', expected: 'the certificate for Two.Example and *.wild.example',
        });
      }
    }),
  );

  rule(
    'strange-names',
    'goes on serving, whatever name a client asks for',
    {
      rule: 'the server name comes from a stranger: it may be any bytes',
      likely: 'names are looked up in an object, which has more names than those that you gave it',
      attack: { name: 'names of an object prototype', year: 2026, cve: 'CVE-2026-21710', fell: 'Node.js, by a header called __proto__' },
    },
    staged(async (stage) => {
      const { address } = await stage.serveSecure();
      for (const servername of stage.world.random.shuffle(['__proto__', 'constructor', 'toString', 'unknown.example', '.', '..', 'a..b', '*', 'n'.repeat(255)])) {
        await stage.tries(address, { servername });
        await stage.expectServing(address, describe({ servername }));
      }
      const client = await stage.world.connect(address, { label: 'a ClientHello for a name of 300 bytes' });
      client.write(await helloForLongName(300));
      await over(client, 'the handshake is refused', CUT_MS);
      await stage.expectServing(address, 'a ClientHello for a name of 300 bytes');
    }),
  );

  rule(
    'callback-throws',
    'refuses one client and lives on when the callback that finds a certificate throws',
    {
      rule: 'a callback that fails is the end of one handshake, and not of the process',
      likely: 'nobody waits for the promise of the callback',
      attack: { name: 'a throwing SNI callback', year: 2026, cve: 'CVE-2026-21637', fell: 'Node.js' },
    },
    staged(async (stage) => {
      for (const how of ['at once', 'later'] as const) {
        const { address } = await stage.serveSecure({}, { throwing: { name: 'throws.example', how } });
        for (let times = 0; times < 3; times++) await stage.tries(address, { servername: 'throws.example' });
        await stage.expectServing(address, `a name for which the callback throws ${how}`);
      }
    }),
  );

  rule(
    'floor-of-1-2',
    'speaks TLS 1.2 and 1.3, and nothing older',
    {
      rule: 'TLS 1.0 and 1.1 MUST NOT be negotiated (RFC 8996)',
      likely: '`minVersion` is not set, or only for some of the certificates',
      attack: { name: 'BEAST', year: 2011, cve: 'CVE-2011-3389', fell: 'every server that still took TLS 1.0' },
    },
    staged(async (stage) => {
      const other = stage.certificate('other', { names: ['other.example'] });
      const { address } = await stage.serveSecure({ certificates: [stage.certificate('first', { names: ['localhost'] }).pair, other.pair] });
      for (const servername of [undefined, 'other.example']) {
        const named = servername === undefined ? {} : { servername };
        for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
          const told = await stage.told(address, { tls: { minVersion: version, maxVersion: version, ...named } });
          check(told.scheme === 'https', { sent: `a request over ${version}`, received: told.scheme, expected: 'https' });
        }
        for (const version of ['TLSv1', 'TLSv1.1'] as const) {
          const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0', ...named } as const;
          const { client, isIn } = await stage.tries(address, old);
          check(!isIn, { sent: describe(old), received: isIn ? `a handshake of ${client.tls.getProtocol()}` : '', expected: 'the handshake is refused' });
        }
      }
    }),
  );

  rule(
    'groups-not-pinned',
    'lets the client choose how keys are exchanged, after quantum computers too',
    {
      rule: 'groups for key exchange come and go; the hybrid X25519MLKEM768 is used wherever both sides know it',
      likely: '`ecdhCurve` names one curve, which was the best one years ago',
    },
    staged(async (stage) => {
      const { address } = await stage.serveSecure();
      const groups = ['X25519', 'prime256v1', 'secp384r1', ...(hasHybridGroup ? ['X25519MLKEM768'] : [])];
      for (const ecdhCurve of stage.world.random.shuffle(groups)) {
        const { isIn } = await stage.tries(address, { ecdhCurve });
        check(isIn, { sent: describe({ ecdhCurve }), received: 'the handshake was refused', expected: 'a handshake' });
      }
      if (!hasHybridGroup) return;
      const { client } = await stage.tries(address, {});
      const { name } = client.tls.getEphemeralKeyInfo() as { name?: string };
      check(name === 'X25519MLKEM768', { sent: 'a ClientHello with the groups of Node', received: `the group ${name ?? 'unknown'}`, expected: 'X25519MLKEM768' });
    }),
  );

  rule(
    'half-a-hello',
    'cuts a client that does not finish its handshake in time, and nobody else',
    {
      rule: 'the handshake as a whole has a time limit, from the first moment of the connection',
      likely: 'the limit begins with each byte that comes, or with the first request',
      attack: { name: 'slowloris, before the first request', year: 2009, fell: 'Apache httpd and every server that waits for a client without end' },
    },
    staged(async (stage) => {
      const { address } = await stage.serveSecure({ handshakeMs: HANDSHAKE_MS });
      const hello = await clientHello();
      const beginnings = [Buffer.alloc(0), hello.subarray(0, 1), hello.subarray(0, stage.world.random.integer(6, hello.length - 1)), hello];
      const finished = await stage.secure(address, {}, 'a client that has finished its handshake, and waits');
      const slow = await Promise.all(beginnings.map(async (bytes) => {
        const client = await stage.world.connect(address, { label: `the first ${bytes.length} of ${hello.length} bytes of a handshake` });
        return bytes.length === 0 ? client : client.write(bytes);
      }));
      await stage.expectServing(address, 'clients that have only begun their handshake');
      for (const client of slow) await over(client, `the connection is cut after ${HANDSHAKE_MS} ms`, CUT_MS);
      check(await staysOpen(finished.tcp, 1), { sent: 'a handshake, and then nothing', received: 'the connection was cut by the limit for handshakes', expected: 'the limit for idle connections counts from then on' });
      const trickle = await stage.world.connect(address, { label: 'a handshake, byte by byte' });
      for (const byte of endlessHello()) {
        if (trickle.ended || trickle.closed) break;
        trickle.write(Buffer.of(byte));
        await stage.world.settle();
      }
      await over(trickle, `the connection is cut after ${HANDSHAKE_MS} ms, however often a byte comes`, 1);
    }),
  );

  rule(
    'not-tls',
    'refuses what is not TLS, and goes on serving',
    {
      rule: 'bytes that do not begin a handshake end the connection, and nothing else',
      likely: "an 'error' event that nobody listens to ends the process",
    },
    staged(async (stage) => {
      const { address } = await stage.serveSecure();
      const { random } = stage.world;
      const hello = await clientHello();
      const torn = Buffer.from(hello);
      // In the lists of the message, where a wrong length cannot be right.
      torn[5 + 4 + 2 + 32] = 0xff;
      for (const bytes of random.shuffle([Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'), torn, Buffer.concat([Buffer.of(0x80), random.bytes(200)])])) {
        const client = await stage.world.connect(address);
        client.write(bytes).end();
        await over(client);
      }
      const gone = await stage.world.connect(address);
      gone.write(hello.subarray(0, 100));
      await stage.world.settle();
      gone.resetNow();
      await stage.expectServing(address, 'clients that do not speak TLS');
    }),
  );

  rule(
    'swaps-certificates',
    'shows new certificates to new clients, and drops nobody',
    {
      rule: 'certificates live for weeks, and connections must not end with them',
      likely: 'the context for clients that name no host, or the one for those that do, is the old one',
    },
    staged(async (stage) => {
      const old = stage.certificate('server', { names: ['one.example'] });
      const { address } = await stage.serve({ certificates: [old.pair] });
      const held = await stage.secure(address, { servername: 'one.example' }, 'a client from before');
      held.tcp.write('POST /held HTTP/1.1\r\nHost: one.example\r\nContent-Length: 8\r\n\r\nhalf');
      held.announce('POST');
      await stage.world.settle();
      const renewed = stage.certificate('server', { names: ['one.example', 'two.example'] });
      const problem = await stage.world.call('reload');
      check(problem === null, { sent: 'reload()', received: problem ?? '', expected: 'the certificates are read again' });
      for (const servername of ['one.example', 'two.example', undefined]) {
        const { fingerprint } = await stage.ask(address, { tls: servername === undefined ? {} : { servername } });
        check(fingerprint === renewed.fingerprint, {
          sent: `reload(), then a ClientHello for ${servername ?? 'no name'}`, received: 'the certificate from before', expected: 'the new certificate',
        });
      }
      held.tcp.write('done');
      check(toldBy(await held.response(), 'a request that began before reload()').body === 'halfdone', { sent: 'the rest of the request', received: 'another body', expected: 'the whole body' });
      held.send('GET', '/again', closing());
      toldBy(await held.response(), 'another request on the same connection');
    }),
  );

  rule(
    'keeps-the-old-ones',
    'keeps the certificates that it has when the new ones cannot be used',
    {
      rule: 'all files are read and checked before the first one is used',
      likely: 'the old certificates are forgotten before the new ones are read',
    },
    staged(async (stage) => {
      const one = stage.certificate('one', { names: ['one.example'] });
      const two = stage.certificate('two', { names: ['two.example'] });
      const { address } = await stage.serve({ certificates: [one.pair, two.pair] });
      const expectOld = async (after: string): Promise<void> => {
        for (const [servername, { fingerprint }] of [['one.example', one], ['two.example', two]] as const) {
          check((await stage.ask(address, { tls: { servername } })).fingerprint === fingerprint, {
            sent: `${after}, then a ClientHello for ${servername}`, received: 'another certificate', expected: 'the certificate from before',
          });
        }
      };
      // The first of the two is fine.
      stage.certificate('one', { names: ['one.example'] });
      for (const [what, text] of [['an empty file', ''], ['half a certificate', '-----BEGIN CERTIFICATE-----\nMIIB'], ['the certificate of another key', one.pair]] as const) {
        if (what === 'the certificate of another key') stage.certificate('two', { names: ['two.example'], toDays: -0.5 });
        else stage.write('two.pem', text);
        const problem = await stage.world.call('reload');
        check(problem?.includes('two.pem') === true, { sent: `reload() with ${what}`, received: problem ?? 'no error', expected: 'an error that names two.pem' });
        await expectOld(`reload() with ${what}`);
      }
    }),
  );

  rule(
    'says-what-is-wrong',
    'does not start with a certificate that cannot be used, and says which file it is',
    {
      rule: 'a missing key or an expired certificate is found when the server starts, and not by the first client',
      likely: '`tls.createServer` takes an expired certificate without a word',
      attack: { name: 'an expired certificate', year: 2020, fell: 'Microsoft Teams for three hours, and Spotify in the same year' },
    },
    staged(async (stage) => {
      const good = stage.certificate('good', { names: ['good.example'] });
      const other = stage.certificate('other', { names: ['other.example'] });
      const expired = stage.certificate('expired', { names: ['old.example'], fromDays: -60, toDays: -1 });
      const early = stage.certificate('early', { names: ['early.example'], fromDays: 2, toDays: 30 });
      const junk = stage.write('junk.pem', 'not a certificate');
      const cases: readonly (readonly [string, string, string])[] = [
        ['no key', `${good.certificateFile},${stage.path('missing-key.pem')}`, 'missing-key.pem'],
        ['no certificate', `${stage.path('missing.pem')},${good.keyFile}`, 'missing.pem'],
        ['the key of another certificate', `${good.certificateFile},${other.keyFile}`, 'other-key.pem'],
        ['an expired certificate', expired.pair, 'expired.pem'],
        ['a certificate that is not valid yet', early.pair, 'early.pem'],
        ['a file that is not a certificate', `${junk},${good.keyFile}`, 'junk.pem'],
        ['a certificate instead of its key', `${good.certificateFile},${other.certificateFile}`, 'other.pem'],
      ];
      for (const [what, pair, file] of stage.world.random.shuffle(cases)) {
        // Alone, and after one that is fine.
        for (const certificates of [[pair], [good.pair, pair]]) {
          const problem = await stage.world.call('problem', { settings: { certificates } });
          check(problem?.message.includes(file) === true, {
            sent: `a start with ${what}`, received: problem === null ? 'a server that serves' : `${problem.name}: ${problem.message}`, expected: `an error that names ${file}`,
          });
        }
      }
      await stage.serve({ certificates: [good.pair] });
    }),
  );

  rule(
    'redirects',
    'answers plain HTTP with a redirect to the same place over HTTPS',
    {
      rule: 'the redirect keeps the host, the path, the query and the method, and names the port of HTTPS (RFC 9110 §15.4.9)',
      likely: 'the port of plain HTTP is kept, or a POST becomes a GET with 301',
    },
    staged(async (stage) => {
      const { address, redirect } = await stage.serveSecure({ redirectBind: '127.0.0.1:0' });
      check(redirect !== null, { sent: 'a start with redirectBind', received: 'no second server', expected: 'a server for plain HTTP' });
      const { port } = address;
      const word = `p${stage.world.random.integer(100, 999)}`;
      const cases: readonly (readonly [string, string, string, string])[] = [
        ['GET', `/${word}?q=a%20b&c`, 'one.example', `https://one.example:${port}/${word}?q=a%20b&c`],
        ['GET', '/', `one.example:${redirect.port}`, `https://one.example:${port}/`],
        ['HEAD', '//evil.example/x', 'one.example', `https://one.example:${port}//evil.example/x`],
        ['GET', '/v6', '[::1]:80', `https://[::1]:${port}/v6`],
        ['POST', `/${word}`, 'one.example', `https://one.example:${port}/${word}`],
        ['GET', `http://two.example/${word}?x`, 'one.example', `https://two.example:${port}/${word}?x`],
      ];
      for (const [method, target, host, location] of stage.world.random.shuffle(cases)) {
        const response = await plain(stage, redirect, method, target, host);
        const sent = `${method} ${target} with Host: ${host}`;
        expectStatus(response, method === 'POST' ? [307, 308] : [301, 302, 307, 308], sent);
        const [got] = fieldValues(response, 'location');
        check(got === location, { sent, received: `Location: ${got ?? 'none'}`, expected: `Location: ${location}` });
      }
      const http = await stage.world.http(redirect);
      http.sendBytes('GET /x HTTP/1.0\r\n\r\n');
      expectStatus(theOnly(await http.responsesToEnd(), http.tcp), 400, 'GET /x HTTP/1.0 without Host');
    }),
  );

  rule(
    'names-its-public-port',
    'leaves the port out of the redirect where it is the one of https, and names the public one otherwise',
    {
      rule: 'port 443 goes without saying (RFC 9110 §4.2.2); outside a container the port may be another one than inside',
      likely: 'the port is the one that the server has bound',
    },
    staged(async (stage) => {
      const other = stage.world.random.integer(2000, 9000);
      for (const [publicPort, authority] of [[443, 'one.example'], [other, `one.example:${other}`]] as const) {
        const { redirect } = await stage.serveSecure({ redirectBind: '127.0.0.1:0', publicPort });
        const [got] = fieldValues(await plain(stage, redirect!, 'GET', '/a', 'one.example'), 'location');
        check(got === `https://${authority}/a`, { sent: `GET /a, with public port ${publicPort}`, received: `Location: ${got ?? 'none'}`, expected: `Location: https://${authority}/a` });
      }
    }),
  );

  rule(
    'strict-transport',
    'tells browsers over HTTPS, and over HTTPS only, not to come without it',
    {
      rule: 'Strict-Transport-Security goes into every response over TLS, once, and MUST NOT go into one without (RFC 6797 §7)',
      likely: 'responses that the server makes by itself, such as 400, go without it',
      attack: { name: 'sslstrip', year: 2009, fell: 'every site whose users typed its name without https' },
    },
    staged(async (stage) => {
      const seconds = stage.world.random.integer(1000, 40_000_000);
      const settings = { hstsMs: seconds * 1000, redirectBind: '127.0.0.1:0' };
      const { address, redirect } = await stage.serveSecure(settings);
      const policies = (response: HttpTestResponse): string[] => fieldValues(response, 'strict-transport-security');
      const expectPolicy = (response: HttpTestResponse, sent: string, maxAge: number): void => {
        const [policy, ...more] = policies(response);
        check(more.length === 0 && policy !== undefined && new RegExp(`(^|;)\\s*max-age="?${maxAge}"?\\s*(;|$)`, 'i').test(policy), {
          sent, received: `Strict-Transport-Security: ${policies(response).join(' and ') || 'none'}`, expected: `once, with max-age=${maxAge}`,
        });
      };
      expectPolicy((await stage.ask(address)).response, 'GET / over TLS', seconds);
      expectPolicy((await stage.ask(address, { target: '/fault' })).response, 'a request to which the application throws', seconds);
      expectPolicy((await stage.ask(address, { host: null })).response, 'a request without Host over TLS', seconds);
      expectPolicy((await stage.ask(address, { target: '/hsts' })).response, 'a response that has the field already', 7);
      check(policies(await plain(stage, redirect!, 'GET', '/', 'localhost')).length === 0, { sent: 'GET / over plain HTTP', received: 'Strict-Transport-Security', expected: 'nothing of the kind' });
      const open = await stage.serve({ hstsMs: settings.hstsMs });
      check(policies(await plain(stage, open.address, 'GET', '/', 'localhost')).length === 0, { sent: 'GET / to a server without TLS', received: 'Strict-Transport-Security', expected: 'nothing of the kind' });
    }),
  );

  rule(
    'below-a-supervisor',
    'serves HTTPS by two workers of a supervisor, and has new certificates after a reload',
    {
      rule: 'the socket is bound by the supervisor and shared; each generation of workers reads the certificates when it starts',
      likely: 'the server binds its address by itself, although it was given a descriptor',
      skip: onWindows,
    },
    staged(async (stage) => {
      const { world } = stage;
      const files = stage.certificate('server', { names: ['localhost'] });
      const app = stage.write('app.mjs', `export const app = async (scope, receive, send) => {
  if (scope.type !== 'http') return;
  await send({ type: 'http.response.start', status: 200, headers: [] });
  await send({ type: 'http.response.body', body: Buffer.from(scope.scheme + ' ' + process.pid) });
};
`);
      const command = `main.ts ${app}:app --workers 2 --certificate …`;
      await world.call('startMain', [`${app}:app`, '--bind', '127.0.0.1:0', '--workers', '2', '--certificate', files.pair]);
      let report = await world.call('mainReport');
      const refresh = async (): Promise<typeof report> => (report = await world.call('mainReport'));
      await eventually(world, async () => /^listening on .*:\d+$/m.test((await refresh()).output) || report.exit !== null, { sent: command, received: 'no line', expected: 'a line `listening on …`' }, BOOT_MS);
      const port = Number(/^listening on .*:(\d+)$/m.exec(report.output)?.[1]);
      check(port > 0 && report.exit === null, { sent: command, received: `exit ${report.exit}: ${report.output}`, expected: 'it serves' });
      const address = { host: '127.0.0.1', port };

      const pids = new Set<string>();
      await eventually(world, async () => {
        const { response, fingerprint } = await stage.ask(address);
        const [scheme, pid = ''] = response.body.toString('utf8').split(' ');
        check(scheme === 'https' && fingerprint === files.fingerprint, { sent: `a request over TLS to ${command}`, received: `scheme ${scheme}, certificate ${fingerprint}`, expected: `https, and ${files.fingerprint}` });
        return pids.add(pid).size === 2;
      }, { sent: 'requests over TLS', received: 'answers of one process', expected: 'both workers answer' }, BOOT_MS);

      const { fingerprint: renewed } = stage.certificate('server', { names: ['localhost'] });
      await world.call('signalMain', 'SIGHUP');
      await eventually(world, async () => {
        const { response, fingerprint } = await stage.ask(address);
        expectStatus(response, 200, 'a request over TLS, during a reload');
        return fingerprint === renewed;
      }, { sent: 'SIGHUP, when there is a new certificate', received: 'the old one', expected: 'the new one' }, BOOT_MS);
      await world.call('signalMain', 'SIGTERM');
      await eventually(world, async () => (await refresh()).exit !== null, { sent: 'SIGTERM', received: 'it goes on', expected: 'it ends' }, BOOT_MS);
      check(report.exit === 0, { sent: 'SIGTERM', received: `exit ${report.exit}: ${report.output}`, expected: 'exit code 0' });
    }),
  );

  rule(
    'closes-half-way',
    'stops in time although clients are in the middle of their handshake',
    {
      rule: 'the deadline of a graceful end is for every connection, with or without a request on it',
      likely: 'only connections that have finished their handshake are known',
    },
    staged(async (stage) => {
      const { address } = await stage.serveSecure({ handshakeMs: 120_000 });
      const hello = await clientHello();
      for (const bytes of [hello.subarray(0, 1), hello.subarray(0, 200)]) (await stage.world.connect(address)).write(bytes);
      await stage.expectServing(address, 'clients that have only begun their handshake');
      await stage.world.callPatiently({ patienceMs: CUT_MS / 2 }, 'close', HANDSHAKE_MS);
      const late: ConnectionOptions = {};
      check(!(await stage.tries(address, late)).isIn, { sent: 'a connection after the end', received: 'a handshake', expected: 'nobody is let in' });
    }),
  );
});

async function plain(stage: Stage, address: Address, method: string, target: string, host: string): Promise<HttpTestResponse> {
  const http = await stage.world.http(address);
  http.send(method, target, closing({ host }));
  return theOnly(await http.responsesToEnd(), http.tcp);
}
