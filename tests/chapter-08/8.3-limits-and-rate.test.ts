/** 8.3 Limits and rate: who the client is when proxies are in front, and how much of the server it may have. */
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { HttpClient, requestBytes } from '#support/http-client.ts';
import type { Fields } from '#support/http-client.ts';
import { closing, eventually, expectStatus, over } from '#support/http-exchange.ts';
import { fieldValues } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import { clientHello } from './hello.ts';
import { addressesV4, addressesV6, headerFor, v2, V2_SIGNATURE } from './proxy-headers.ts';
import { staged, toldBy } from './stage.ts';
import type { Stage } from './stage.ts';
import type { Told } from './servers.ts';

/** Addresses of the world outside, for documentation (RFC 5737, RFC 3849). */
const CLIENT = '203.0.113.7';
const CLIENT_V6 = '2001:db8::7';
const SPOOFED = '198.51.100.9';

const OURS = ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'];
const TRUSTED = { trustedProxies: ['127.0.0.1'] } as const;
const CUT_MS = 5_000;
const HOUR_MS = 3_600_000;

exercise<typeof driver>('8.3', import.meta.url, (rule) => {
  rule(
    'connections-in-all',
    'has no more connections than it may, and room again when one has gone',
    {
      rule: 'every connection costs memory and a descriptor, so there is a greatest number of them',
      likely: 'a connection that has ended is still counted, or one in the middle of its handshake is not',
      attack: { name: 'SYN flood', year: 1996, fell: 'Panix, a provider in New York, for days' },
    },
    staged(async (stage) => {
      const most = stage.world.random.integer(3, 6);
      for (const secure of [false, true]) {
        const settings = { connectionsMax: most };
        const { address } = secure ? await stage.serveSecure({ ...settings, handshakeMs: 120_000 }) : await stage.serve(settings);
        const held = [];
        for (let index = 0; index < most; index++) held.push(await stage.world.connect(address, { label: `connection ${index + 1}` }));
        if (secure) held[0]!.write((await clientHello()).subarray(0, 9));
        await stage.world.settle();
        for (let times = 0; times < 3; times++) await expectNoRoom(stage, address, secure, `connection ${most + 1} of at most ${most}`);
        for (const [index, client] of held.entries()) check(!client.ended && !client.closed, { sent: `${most} connections, and more`, received: `connection ${index + 1} was closed`, expected: 'those that are in stay' });
        held.pop()!.end();
        held.pop()!.resetNow();
        await expectRoom(stage, address, secure, 'two of them have gone');
      }
    }),
  );

  rule(
    'reads-from-the-right',
    'takes the last address in X-Forwarded-For that is not one of our own proxies',
    {
      rule: 'each proxy adds the address that it has seen at the right; to the left is what clients have written themselves',
      likely: 'the first address of the list is taken: the one that everybody can choose',
    },
    staged(async (stage) => {
      const { address } = await stage.serve({ trustedProxies: OURS });
      await expectClients(stage, address, 'X-Forwarded-For', [
        [[], '127.0.0.1'],
        [[CLIENT], CLIENT],
        [[`${SPOOFED}, ${CLIENT}`], CLIENT],
        [[`${CLIENT}, 10.1.2.3`], CLIENT],
        [[`${SPOOFED},${CLIENT} , 10.1.2.3,10.255.255.255`], CLIENT],
        [[`10.9.9.9, ${CLIENT}, 10.1.2.3`], CLIENT],
        [[SPOOFED, CLIENT], CLIENT],
        [[`${SPOOFED}, ${CLIENT}`, '10.1.2.3', 'fd00::1'], CLIENT],
        [['10.1.1.1, 10.2.2.2'], '10.1.1.1'],
        [[`${CLIENT}, , ,`], CLIENT],
      ]);
    }),
  );

  rule(
    'strangers-say-nothing',
    'does not believe a client that is not a trusted proxy',
    {
      rule: 'the field counts only if the peer of the connection is one of our own proxies',
      likely: 'the field is read before anybody asks who has sent it',
      attack: { name: 'a spoofed X-Forwarded-For', year: 2020, cve: 'CVE-2020-28483', fell: 'gin, which believed everyone' },
    },
    staged(async (stage) => {
      for (const trustedProxies of [[], ['10.0.0.0/8', '::1'], ['unix']]) {
        for (const forwardedField of ['x-forwarded-for', 'forwarded'] as const) {
          const { address } = await stage.serve({ trustedProxies, forwardedField });
          await expectClients(stage, address, 'X-Forwarded-For', [[[CLIENT], '127.0.0.1'], [[`${CLIENT}, 10.1.2.3`], '127.0.0.1']]);
          await expectClients(stage, address, 'Forwarded', [[[`for=${CLIENT}`], '127.0.0.1']]);
        }
      }
    }),
  );

  rule(
    'ports-and-v6',
    'reads addresses with ports, and IPv6 with brackets and without',
    {
      rule: 'some proxies add a port; an IPv6 address with a port is in brackets',
      likely: 'everything after the first colon is taken for a port',
    },
    staged(async (stage) => {
      const { address } = await stage.serve({ trustedProxies: OURS });
      const port = stage.world.random.integer(1, 65_535);
      await expectClients(stage, address, 'X-Forwarded-For', [
        [[`${SPOOFED}, ${CLIENT}:${port}`], CLIENT],
        [[`${SPOOFED}, ${CLIENT_V6}`], CLIENT_V6],
        [[`${SPOOFED}, [${CLIENT_V6}]`], CLIENT_V6],
        [[`${SPOOFED}, [${CLIENT_V6}]:${port}, 10.1.2.3:${port}`], CLIENT_V6],
        [[`${SPOOFED}, ${CLIENT}, [fd00::1]:${port}, fd12:3456::1`], CLIENT],
      ]);
    }),
  );

  rule(
    'networks',
    'knows which addresses are in a network, and which are just outside',
    {
      rule: 'a network is written as an address and the number of bits that count (RFC 4632 §3.1)',
      likely: 'addresses are compared as texts',
    },
    staged(async (stage) => {
      const { address } = await stage.serve({ trustedProxies: ['127.0.0.0/8', '192.0.2.64/30', '172.16.0.0/12', '2001:db8:aa00::/40'] });
      const inside = ['192.0.2.64', '192.0.2.67', '172.16.0.1', '172.31.255.255', '2001:db8:aaff::1', '127.3.2.1', '::ffff:172.20.1.1'];
      const outside = ['192.0.2.63', '192.0.2.68', '172.15.255.255', '172.32.0.0', '2001:db8:ab00::1', '192.0.26.4', '::ffff:172.32.0.1'];
      await expectClients(stage, address, 'X-Forwarded-For', inside.map((proxy) => [[`${CLIENT}, ${proxy}`], CLIENT]));
      await expectClients(stage, address, 'X-Forwarded-For', outside.map((stranger) => [[`${SPOOFED}, ${stranger}`], stranger]));
    }),
  );

  rule(
    'mapped-networks',
    'does not trust the world because a network of IPv4 is written as one of IPv6',
    {
      rule: 'IPv4 as IPv6 (`::ffff:`) has 96 bits before those of the address: a network of fewer is a mistake, and not everybody (RFC 4291 §2.5.5.2)',
      likely: 'the bits are counted from the first one of the IPv6 address, all of which are zero',
      attack: { name: '::ffff:10.0.0.0/8', year: 2026, cve: 'CVE-2026-90711', fell: 'proxy-addr, and with it Express' },
    },
    staged(async (stage) => {
      for (const network of ['::ffff:10.0.0.0/8', '::FFFF:10.0.0.0/16', '::ffff:10.0.0.0/95']) {
        const settings = { trustedProxies: [network] };
        if ((await stage.world.call('problem', { settings })) !== null) continue;
        const { address } = await stage.serve(settings);
        await expectClients(stage, address, 'X-Forwarded-For', [[[SPOOFED], '127.0.0.1']]);
      }
      const { address } = await stage.serve({ trustedProxies: ['127.0.0.1', '::ffff:10.0.0.0/104'] });
      await expectClients(stage, address, 'X-Forwarded-For', [
        [[`${CLIENT}, 10.9.9.9`], CLIENT], [[`${CLIENT}, ::ffff:10.1.1.1`], CLIENT], [[`${SPOOFED}, 11.0.0.1`], '11.0.0.1'],
      ]);
    }),
  );

  rule(
    'forwarded',
    'reads the field Forwarded in the same way, if that is the one that the proxies write',
    {
      rule: 'an element has pairs, among them `for`; values may be quoted, names are in any case (RFC 7239 §4)',
      likely: 'a comma or a quote that a client has written changes how the rest is read',
    },
    staged(async (stage) => {
      const { address } = await stage.serve({ trustedProxies: OURS, forwardedField: 'forwarded' });
      await expectClients(stage, address, 'Forwarded', [
        [[`for=${CLIENT}`], CLIENT],
        [[`For="${CLIENT}"`], CLIENT],
        [[`for=${SPOOFED}, for=${CLIENT};proto=https;by=10.0.0.1`], CLIENT],
        [[`for=${SPOOFED};host=a.example, proto=http; FOR="[${CLIENT_V6}]:4711" ;host=b.example, for=10.1.2.3`], CLIENT_V6],
        [[`for=${SPOOFED}`, `for=${CLIENT}`, 'for="10.1.2.3:8080"'], CLIENT],
        [[`for=${SPOOFED}, for="${CLIENT}";x="a,b"`], CLIENT],
      ]);
      // What a client has begun does not reach what a proxy has added; or the field is broken, and says nothing.
      for (const text of [`for="${SPOOFED}, for=${CLIENT}`, `for=${SPOOFED};x=", for=${CLIENT}`]) {
        const { client } = await tell(stage, address, [['Forwarded', text]]);
        check(client === null || !sameAddress(client.address, SPOOFED), { sent: `Forwarded: ${text}`, received: `an application that was told of ${SPOOFED}`, expected: `${CLIENT}, or a client that is not known` });
      }
    }),
  );

  rule(
    'one-field',
    'ignores the field that its proxies do not write',
    {
      rule: 'a proxy that writes one of the two fields passes on what a client has put into the other',
      likely: 'the other field is read when the first one is not there, or before it',
      attack: { name: 'a spoofed X-Client-IP', year: 2022, cve: 'CVE-2022-2255', fell: 'mod_wsgi, which left the field in although no trusted proxy had sent it' },
    },
    staged(async (stage) => {
      for (const [forwardedField, fields] of [
        ['x-forwarded-for', [['Forwarded', `for=${SPOOFED}`], ['X-Real-IP', SPOOFED], ['X-Client-IP', SPOOFED]]],
        ['forwarded', [['X-Forwarded-For', SPOOFED], ['X-Real-IP', SPOOFED], ['True-Client-IP', SPOOFED]]],
      ] as const) {
        const { address } = await stage.serve({ trustedProxies: OURS, forwardedField });
        const none = await tell(stage, address, fields);
        expectClient(none, '127.0.0.1', `${fields[0][0]} alone`);
        const own: Fields = forwardedField === 'forwarded' ? [['Forwarded', `for=${CLIENT}`]] : [['X-Forwarded-For', CLIENT]];
        expectClient(await tell(stage, address, [...fields, ...own]), CLIENT, 'both fields');
      }
    }),
  );

  rule(
    'junk',
    'does not look past what is not an address',
    {
      rule: 'a proxy that says something unreadable has said who the client is, and we do not know it; what is to the left is not its answer',
      likely: 'what cannot be read is left out, and the next one to the left is taken',
      attack: { name: 'X-Forwarded-For without an address', year: 2026, cve: 'CVE-2026-46527', fell: 'cpp-httplib, whose process died of it' },
    },
    staged(async (stage) => {
      const { address } = await stage.serve({ trustedProxies: OURS });
      const forwarded = await stage.serve({ trustedProxies: OURS, forwardedField: 'forwarded' });
      const junk = [
        'unknown', '_hidden', 'client.example', '203.0.113', '203.0.113.7.1', '256.0.113.7', '203.0.113.7x', '0x7f.0.0.1', '2130706433', '203.0.113.7:',
        '203.0.113.7:99999', '203.0.113.7:4711:1', '[2001:db8::7', '2001:db8::7]', '[203.0.113.7]', '2001:db8:::7', 'fe80::1%eth0', '2001:db8::7%', '127.0.0.1 10.0.0.1', '__proto__', '<script>', '-',
      ];
      for (const text of stage.world.random.shuffle(junk)) {
        expectNobody(await tell(stage, address, [['X-Forwarded-For', `${SPOOFED}, ${text}`]]), text, `X-Forwarded-For: ${SPOOFED}, ${text}`);
        expectNobody(await tell(stage, forwarded.address, [['Forwarded', `for=${SPOOFED}, for="${text}"`]]), text, `Forwarded: for=${SPOOFED}, for="${text}"`);
      }
      for (const element of ['proto=https', `for=${CLIENT};for=${SPOOFED}`, `for = ${CLIENT}`, `for=[${CLIENT_V6}`, 'for=', CLIENT, `xfor=${CLIENT}`]) {
        expectNobody(await tell(stage, forwarded.address, [['Forwarded', `for=${SPOOFED}, ${element}`]]), CLIENT, `Forwarded: for=${SPOOFED}, ${element}`);
      }
    }),
  );

  rule(
    'ten-thousand',
    'finds the client in a list of 10,000, and serves others meanwhile',
    {
      rule: 'a list is as long as a client likes: what it costs must not grow with the square of its length',
      likely: 'the list is searched again from its beginning for each element',
    },
    staged(async (stage) => {
      for (const forwardedField of ['x-forwarded-for', 'forwarded'] as const) {
        const { address } = await stage.serve({ trustedProxies: OURS, forwardedField }, { limits: { headerBytesMax: 1 << 20, pipelinedBytesMax: 1 << 20 } });
        const [name, prefix] = forwardedField === 'forwarded' ? ['Forwarded', 'for='] : ['X-Forwarded-For', ''];
        const list = (element: string): string => Array.from({ length: 10_000 }, () => prefix + element).join(', ');
        expectClient(await tell(stage, address, [[name, `${list(SPOOFED)}, ${prefix}${CLIENT}, ${prefix}10.1.2.3`]]), CLIENT, `10,000 times ${SPOOFED} in ${name}, and then the client`);
        for (const text of [list('10.1.1.1'), `"${list('10.1.1.1')}`, ','.repeat(10_000), '"'.repeat(10_001), ';'.repeat(10_000), `${'[:'.repeat(10_000)}`, `${prefix}${'1.'.repeat(10_000)}`]) {
          await tell(stage, address, [[name, text]]);
        }
      }
    }),
  );

  rule(
    'unix-sockets',
    'believes a proxy on a Unix domain socket if it is told to, and not otherwise',
    {
      rule: 'a peer on a Unix domain socket has no address; whether it is trusted is a setting of its own',
      likely: 'a peer without an address is trusted, or fits no network and is never trusted',
      skip: process.platform === 'win32' ? 'Windows has other names for such sockets' : undefined,
    },
    staged(async (stage) => {
      const trusting = await stage.serve({ bind: `unix:${stage.path('a.sock')}`, trustedProxies: ['unix', '10.0.0.0/8'] });
      expectClient(await tell(stage, trusting.address, [['X-Forwarded-For', `${SPOOFED}, ${CLIENT}, 10.1.2.3`]]), CLIENT, 'X-Forwarded-For over a trusted Unix domain socket');
      for (const [index, trustedProxies] of [[], ['127.0.0.1', '0.0.0.0/0', '::/0']].entries()) {
        const { address } = await stage.serve({ bind: `unix:${stage.path(`b${index}.sock`)}`, trustedProxies });
        expectNobody(await tell(stage, address, [['X-Forwarded-For', CLIENT]]), CLIENT, 'X-Forwarded-For over a Unix domain socket that is not trusted');
      }
    }),
  );

  rule(
    'proxy-v1',
    'reads a PROXY header of version 1, however it arrives',
    {
      rule: 'one line of text before everything else says who the client is (PROXY protocol §2.1)',
      likely: 'the bytes after the line are lost, or the line is expected to come in one piece',
    },
    staged(async (stage) => {
      const { address } = await stage.serve({ trustedProxies: OURS, proxyProtocol: 'on' });
      const port = stage.world.random.integer(1, 65_535);
      const longest = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
      await expectHeaders(stage, address, [
        [Buffer.from(`PROXY TCP4 ${CLIENT} 192.0.2.1 ${port} 443\r\n`), CLIENT, port],
        [Buffer.from(`PROXY TCP6 ${CLIENT_V6} 2001:db8::1 ${port} 0\r\n`), CLIENT_V6, port],
        [Buffer.from(`PROXY TCP6 ${longest} ${longest} 65535 65535\r\n`), longest, 65_535],
      ]);
    }),
  );

  rule(
    'proxy-v2',
    'reads a PROXY header of version 2, however it arrives',
    {
      rule: 'a signature, the command, the family and a length, then the addresses; extensions after them are skipped (PROXY protocol §2.2)',
      likely: 'the length counts what is after it, with extensions, and not the addresses alone',
    },
    staged(async (stage) => {
      const { address } = await stage.serve({ trustedProxies: OURS, proxyProtocol: 'on' });
      const { random } = stage.world;
      const port = random.integer(1, 65_535);
      const extension = Buffer.concat([Buffer.from([0xe0, 1, 0]), random.bytes(256)]);
      await expectHeaders(stage, address, [
        [v2({ addresses: addressesV4(CLIENT, port) }), CLIENT, port],
        [v2({ addresses: addressesV4(CLIENT, port), extensions: extension }), CLIENT, port],
        [v2({ family: 0x21, addresses: addressesV6('20010db8000000000000000000000007', port) }), CLIENT_V6, port],
      ]);
    }),
  );

  rule(
    'proxy-before-tls',
    'reads the header before the handshake, and knows the client after it',
    {
      rule: 'a proxy that passes TLS on cannot write into it: the header comes first (PROXY protocol §2)',
      likely: 'the address of the socket below is not that of the secured one',
    },
    staged(async (stage) => {
      const { address } = await stage.serveSecure({ trustedProxies: OURS, proxyProtocol: 'on' });
      const port = stage.world.random.integer(1, 65_535);
      for (const before of [Buffer.from(`PROXY TCP4 ${CLIENT} 192.0.2.1 ${port} 443\r\n`), v2({ addresses: addressesV4(CLIENT, port) })]) {
        const http = await stage.world.http(address, { tls: {}, before });
        http.send('GET', '/', closing());
        const told = toldBy(await http.response(), 'a PROXY header, a handshake, a request');
        expectClient(told, CLIENT, 'a PROXY header, a handshake, a request', port);
        check(told.scheme === 'https', { sent: 'a PROXY header, a handshake, a request', received: `the scheme ${told.scheme}`, expected: 'https' });
      }
    }),
  );

  rule(
    'proxy-from-strangers',
    'does not take a header from a stranger, nor when it was not told to',
    {
      rule: 'only the proxies that are named may say who the client is (PROXY protocol §2)',
      likely: 'whether there is a header is found out by looking',
    },
    staged(async (stage) => {
      const header = Buffer.from(`PROXY TCP4 ${CLIENT} 192.0.2.1 1234 443\r\n`);
      for (const settings of [{ trustedProxies: ['10.0.0.0/8'], proxyProtocol: 'on' }, { trustedProxies: OURS, proxyProtocol: 'off' }, { trustedProxies: [], proxyProtocol: 'on' }] as const) {
        const { address } = await stage.serve(settings);
        for (const bytes of [header, v2({ addresses: addressesV4(CLIENT, 1234) })]) await expectRefused(stage, address, bytes, 'a PROXY header that nobody should believe');
        expectClient(await tell(stage, address, []), '127.0.0.1', 'a request without a header');
      }
    }),
  );

  rule(
    'proxy-unknown',
    'trusts nobody on a connection of which the proxy does not know the client',
    {
      rule: 'after UNKNOWN and LOCAL there is no client address: neither what the line goes on with, nor fields, nor the proxy itself count (PROXY protocol §2.1)',
      likely: 'after UNKNOWN the peer is the trusted proxy, so that everything in X-Forwarded-For is believed',
    },
    staged(async (stage) => {
      const { address } = await stage.serve({ trustedProxies: OURS, proxyProtocol: 'on' });
      const headers: readonly (readonly [string, Buffer])[] = [
        ['PROXY UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n')],
        ['PROXY UNKNOWN with addresses', Buffer.from(`PROXY UNKNOWN ${CLIENT} 192.0.2.1 1 2\r\n`)],
        ['LOCAL', v2({ command: 0x20, family: 0 })],
        ['LOCAL with addresses', v2({ command: 0x20, addresses: addressesV4(CLIENT, 1) })],
        ['a family without ports', v2({ family: 0x00, addresses: addressesV4(CLIENT, 1) })],
        ['a Unix domain socket', v2({ family: 0x31, addresses: Buffer.alloc(216, '/') })],
      ];
      for (const [what, header] of stage.world.random.shuffle(headers)) {
        const told = await tell(stage, address, [['X-Forwarded-For', SPOOFED]], header);
        expectNobody(told, CLIENT, `${what}, and then X-Forwarded-For: ${SPOOFED}`);
      }
    }),
  );

  rule(
    'proxy-refuses',
    'closes a connection whose header is missing, broken or too long',
    {
      rule: 'the header is at the very beginning, exactly as it is written, and has a greatest length: 107 bytes in version 1 (PROXY protocol §2.1)',
      likely: 'a pattern without an anchor finds a header in the middle, or a number that only begins well is taken',
      attack: { name: 'a PROXY header without end', year: 2026, cve: 'CVE-2026-47736', fell: 'Puma, which kept all of it in memory' },
    },
    staged(async (stage) => {
      const { address } = await stage.serve({ trustedProxies: OURS, proxyProtocol: 'on' });
      const line = (text: string): Buffer => Buffer.from(`${text}\r\n`, 'latin1');
      const good = `PROXY TCP4 ${CLIENT} 192.0.2.1 1234 443`;
      const cases: readonly (readonly [string, Buffer])[] = [
        ['no header', Buffer.alloc(0)],
        ['an empty line before the header', line(`\r\n${good}`)],
        ['a space before the header', line(` ${good}`)],
        ['a word before the header', line(`X${good}`)],
        ['small letters', line(good.toLowerCase())],
        ['two spaces', line(good.replace('TCP4 ', 'TCP4  '))],
        ['a tab', line(good.replace('TCP4 ', 'TCP4\t'))],
        ['a space at the end', line(`${good} `)],
        ['TCP5', line(good.replace('TCP4', 'TCP5'))],
        ['an IPv6 address in TCP4', line(good.replace(CLIENT, '::1'))],
        ['an IPv4 address in TCP6', line(good.replace('TCP4', 'TCP6'))],
        ['a zone', line('PROXY TCP6 fe80::1%1 fe80::2 1 2')],
        ['a name', line(good.replace(CLIENT, 'client.example'))],
        ['port 65536', line(good.replace('1234', '65536'))],
        ['port 0x12', line(good.replace('1234', '0x12'))],
        ['port 01234', line(good.replace('1234', '01234'))],
        ['no ports', line(`PROXY TCP4 ${CLIENT} 192.0.2.1`)],
        ['a fifth word', line(`${good} 5`)],
        ['UNKNOWNX', line('PROXY UNKNOWNX')],
        ['LF alone', Buffer.from(`${good}\n`)],
        ['a line of 108 bytes', line(`PROXY UNKNOWN ${'x'.repeat(108 - 16)}`)],
        ['a line of 100,000 bytes', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(100_000)}`)],
        ['version 1 in a header of version 2', v2({ command: 0x11, addresses: addressesV4(CLIENT, 1) })],
        ['command 2', v2({ command: 0x22, addresses: addressesV4(CLIENT, 1) })],
        ['addresses that break off', v2({ addresses: addressesV4(CLIENT, 1).subarray(0, 11) })],
        ['a signature with one wrong byte', Buffer.concat([V2_SIGNATURE.subarray(0, 11), Buffer.from('X'), v2({ addresses: addressesV4(CLIENT, 1) }).subarray(12)])],
      ];
      for (const [what, header] of stage.world.random.shuffle(cases)) await expectRefused(stage, address, header, what);
      const told = await tell(stage, address, [], line(good));
      expectClient(told, CLIENT, 'a good header, after all those');
    }),
  );

  rule(
    'proxy-once',
    'takes one header from a connection, and no second one',
    {
      rule: 'what comes after the first header comes from the client, who may write another (PROXY protocol §2)',
      likely: 'the reader goes on as long as it finds headers, or looks again before each request',
      attack: { name: 'a second PROXY header', year: 2026, cve: 'CVE-2026-47737', fell: 'Puma, which looked for one before each request' },
    },
    staged(async (stage) => {
      const { address } = await stage.serve({ trustedProxies: OURS, proxyProtocol: 'on' });
      const first = Buffer.from(`PROXY TCP4 ${CLIENT} 192.0.2.1 1234 443\r\n`);
      for (const second of [Buffer.from(`PROXY TCP4 10.1.2.3 192.0.2.1 1234 443\r\n`), v2({ addresses: addressesV4('10.1.2.3', 1) })]) {
        await expectRefused(stage, address, Buffer.concat([first, second]), 'two headers, one after the other');
        const http = await stage.world.http(address);
        http.tcp.write(first);
        http.send('GET', '/');
        expectClient(toldBy(await http.response(), 'a header and a request'), CLIENT, 'a header and a request');
        const before = http.tcp.receivedBytes;
        http.tcp.write(Buffer.concat([second, requestBytes('GET', '/second', closing())]));
        await over(http.tcp);
        check(!http.tcp.received.subarray(before).includes('"path":"/second"'), { sent: 'a header, a request, another header, another request', received: 'an answer to the second request', expected: 'the second header is a bad request' });
      }
    }),
  );

  rule(
    'proxy-in-time',
    'cuts a connection whose header does not come in time, and nobody else',
    {
      rule: 'the header has a time limit, like everything that we wait for',
      likely: 'timeouts begin with the first request',
    },
    staged(async (stage) => {
      const header = Buffer.from(`PROXY TCP4 ${CLIENT} 192.0.2.1 1234 443\r\n`);
      const settings = { trustedProxies: OURS, proxyProtocol: 'on', handshakeMs: 500 } as const;
      const open = (await stage.serve(settings)).address;
      const { address } = await stage.serveSecure(settings);
      const begun = async (at: Address, bytes: Buffer): Promise<HttpClient> => {
        const client = await stage.world.connect(at, { label: `${bytes.length} bytes of a header` });
        if (bytes.length > 0) client.write(bytes);
        return new HttpClient(client);
      };
      const slow = await Promise.all([begun(open, header.subarray(0, 0)), begun(open, header.subarray(0, 9)), begun(address, V2_SIGNATURE), begun(address, Buffer.concat([header, (await clientHello()).subarray(0, 99)]))]);
      const whole = await begun(open, header);
      expectClient(await tell(stage, open, [], header), CLIENT, 'a request, while others have only begun their header');
      for (const { tcp } of slow) await over(tcp, 'the connection is cut after 500 ms', CUT_MS);
      whole.send('GET', '/', closing());
      expectClient(toldBy(await whole.response(), 'a request, long after its header'), CLIENT, 'a request, long after its header');
    }),
  );

  rule(
    'connections-per-client',
    'lets one client have a part of the connections, and others theirs',
    {
      rule: 'a limit in all, alone, lets one client take everything; those of each are counted by address',
      likely: 'the count of an address is never taken down again, or not when the connection is cut',
    },
    staged(async (stage) => {
      const most = stage.world.random.integer(2, 5);
      const { address } = await stage.serve({ ...TRUSTED, proxyProtocol: 'on', connectionsPerClientMax: most });
      const greedy = [];
      for (let index = 0; index < most; index++) greedy.push(await comes(stage, address, '203.0.113.7'));
      for (let times = 0; times < 2; times++) await expectNotServed(stage, address, '203.0.113.7', `connection ${most + 1} of a client that may have ${most}`);
      await (await comes(stage, address, '203.0.113.8')).tcp.end();
      for (const http of greedy) {
        http.send('GET', '/again');
        toldBy(await http.response(), 'another request on a connection that is in');
      }
      greedy.pop()!.tcp.end();
      greedy.pop()!.tcp.resetNow();
      await eventually(stage.world, async () => await isServed(stage, address, '203.0.113.7'), { sent: 'a connection of that client, after two of its own have gone', received: 'it is closed', expected: 'it is served' });
    }),
  );

  rule(
    'v6-by-network',
    'takes a network of IPv6 for one client',
    {
      rule: 'a household has a /64, which is 2⁶⁴ addresses: a limit for each of them limits nobody (RFC 6177)',
      likely: 'the whole address is the key',
    },
    staged(async (stage) => {
      const { address } = await stage.serve({ ...TRUSTED, proxyProtocol: 'on', connectionsPerClientMax: 2 });
      await comes(stage, address, '2001:db8:1:2::1');
      await comes(stage, address, '2001:db8:1:2:ffff:0:0:2');
      await expectNotServed(stage, address, '2001:db8:1:2:aaaa::3', 'a third address of the same /64');
      for (const other of ['2001:db8:1:3::1', '2001:db8:2:2::1', '2001:db8::1']) await comes(stage, address, other);
      const limited = await stage.serve({ ...TRUSTED, requestIntervalMs: HOUR_MS, requestBurst: 2 });
      for (const [from, status] of [['2001:db8:1:2::1', 200], ['2001:0db8:0001:0002::9', 200], ['2001:DB8:1:2::5', 429], ['2001:db8:1:3::1', 200]] as const) {
        expectStatus(await ask(stage, limited.address, [['X-Forwarded-For', from]]), status, `a request of ${from}, with 2 for each client`);
      }
    }),
  );

  rule(
    'proxies-have-more',
    'does not count the connections of its own proxies as those of one client',
    {
      rule: 'everybody comes through the proxy: a limit for its address is a limit for all',
      likely: 'the address of the connection is the key, whether it is a proxy or a client',
    },
    staged(async (stage) => {
      const most = 2;
      const trusting = await stage.serve({ ...TRUSTED, connectionsPerClientMax: most });
      const clients = [];
      for (let index = 0; index < 3 * most; index++) clients.push((await stage.world.http(trusting.address, { label: `connection ${index + 1} of a proxy` })).send('GET', '/'));
      for (const http of clients) toldBy(await http.response(), 'a request through a trusted proxy');
      const other = await stage.serve({ connectionsPerClientMax: most });
      for (let index = 0; index < most; index++) await stage.world.connect(other.address);
      await stage.world.settle();
      await expectNoRoom(stage, other.address, false, `connection ${most + 1} of somebody else who may have ${most}`);
    }),
  );

  rule(
    'too-many-requests',
    'answers a client that asks too often with 429 and Retry-After, and everybody else as always',
    {
      rule: '429 says that there were too many requests, and after how many seconds to come again (RFC 6585 §4, RFC 9110 §10.2.3)',
      likely: 'requests are counted for each connection, or for all clients together',
      attack: { name: 'credential stuffing', year: 2023, fell: '23andMe: passwords were tried without a limit for five months' },
    },
    staged(async (stage) => {
      const burst = stage.world.random.integer(3, 8);
      const intervalMs = stage.world.random.integer(100, 900) * 1000;
      const { address } = await stage.serve({ ...TRUSTED, requestIntervalMs: intervalMs, requestBurst: burst });
      const from = (client: string): Fields => [['X-Forwarded-For', client]];
      const http = await stage.world.http(address);
      for (let index = 0; index < burst; index++) {
        if (index % 2 === 0) expectStatus(await ask(stage, address, from('203.0.113.7')), 200, `request ${index + 1} of ${burst} that a client may send at once`);
        else {
          http.send('GET', '/', { fields: from('203.0.113.7') });
          toldBy(await http.response(), `request ${index + 1} of ${burst} that a client may send at once`);
        }
      }
      for (let times = 0; times < 3; times++) {
        const refused = await ask(stage, address, from('203.0.113.7'), 'POST');
        expectStatus(refused, 429, `request ${burst + 1 + times}, on a new connection`);
        const [after = 'none', ...more] = fieldValues(refused, 'retry-after');
        const isRight = more.length === 0 && /^\d+$/.test(after) && Number(after) >= 1 && Number(after) <= intervalMs / 1000 && Number(after) > intervalMs / 2000;
        check(isRight, { sent: `a request too many, with one each ${intervalMs / 1000} s`, received: `Retry-After: ${after}`, expected: `the seconds until the next token: at most ${intervalMs / 1000}` });
      }
      http.send('GET', '/', { fields: from('203.0.113.7') });
      expectStatus(await http.response(), 429, 'a request too many on the connection from before');
      expectStatus(await ask(stage, address, from('203.0.113.8')), 200, 'a request of another client');
      http.send('GET', '/', { fields: from('203.0.113.9') });
      expectStatus(await http.response(), 200, 'a request of another client, over the same connection of the proxy');
    }),
  );

  rule(
    'redirects-count',
    'holds those that come to be redirected to the same limits',
    {
      rule: 'every port that strangers can reach is a way in: one that has no limits makes those of the other useless',
      likely: 'the server for plain HTTP is one by itself, with connections and requests that nobody counts',
    },
    staged(async (stage) => {
      const REDIRECT = { redirectBind: '127.0.0.1:0' } as const;
      const most = stage.world.random.integer(2, 4);
      const { address, redirect } = await stage.serveSecure({ ...REDIRECT, connectionsMax: most });
      for (let index = 0; index < most; index++) await stage.world.connect(index % 2 === 0 ? redirect! : address, { label: `connection ${index + 1}` });
      await stage.world.settle();
      const client = stage.world.client(redirect!, { label: `connection ${most + 1} of at most ${most}, for a redirect` });
      client.write(requestBytes('GET', '/', closing()));
      await over(client, 'the connection is closed');
      check(!client.received.includes('https://'), { sent: client.describeSent(), received: client.describe(), expected: 'the connection is closed, or the request is refused' });

      const burst = stage.world.random.integer(2, 5);
      const slow = await stage.serveSecure({ ...REDIRECT, requestIntervalMs: HOUR_MS, requestBurst: burst });
      for (let index = 0; index < burst; index++) {
        const response = await ask(stage, slow.redirect!, []);
        check(fieldValues(response, 'location').length === 1, { sent: `request ${index + 1} of ${burst} that a client may send at once, for a redirect`, received: `${response.status}`, expected: 'a redirect' });
      }
      expectStatus(await ask(stage, slow.redirect!, []), 429, `request ${burst + 1}, for a redirect`);
    }),
  );

  rule(
    'tokens-come-back',
    'gives tokens back as time passes, and never more than a bucket holds',
    {
      rule: 'a token bucket fills at a steady rate up to its size, and a new client has a full one',
      likely: 'the count is put back to zero at each full second, so that twice as many get through around it',
    },
    async ({ call, random }) => {
      const intervalMs = random.integer(20, 400);
      const burst = random.integer(2, 9);
      const startMs = random.integer(0, 1_000_000);
      const at = (...takes: readonly (readonly [string, number])[]) => takes.map(([key, ms]) => [key, startMs + ms] as const);
      const many = (key: string, count: number, ms: number) => Array.from({ length: count }, () => [key, ms] as const);
      const expectWaits = async (what: string, takes: readonly (readonly [string, number])[], waits: readonly number[]): Promise<void> => {
        const got = (await call('buckets', { intervalMs, burst, takes: at(...takes) })).waits;
        const isRight = got.length === waits.length && got.every((wait, index) => Math.abs(wait - waits[index]!) < 0.5);
        check(isRight, { sent: `${what}; a token each ${intervalMs} ms, ${burst} at most`, received: `waits of ${got.join(', ')} ms`, expected: `waits of ${waits.join(', ')} ms` });
      };
      const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
      await expectWaits('a burst and one more', many('a', burst + 1, 0), [...zeros(burst), intervalMs]);
      await expectWaits('a refusal costs nothing', [...many('a', burst + 3, 0), ['a', intervalMs]], [...zeros(burst), intervalMs, intervalMs, intervalMs, 0]);
      await expectWaits('half an interval later', [...many('a', burst, 0), ['a', intervalMs / 2]], [...zeros(burst), intervalMs / 2]);
      await expectWaits('an interval later there is one', [...many('a', burst, 0), ...many('a', 2, intervalMs)], [...zeros(burst), 0, intervalMs]);
      await expectWaits('a full bucket does not get fuller', [['a', 0], ...many('a', burst + 1, 1000 * intervalMs)], [...zeros(burst + 1), intervalMs]);
      await expectWaits('at the steady rate for ever', Array.from({ length: 50 }, (_, index) => ['a', index * intervalMs] as const), zeros(50));
      await expectWaits('another client', [...many('a', burst, 0), ['b', 0], ['__proto__', 0], ['a', 0]], [...zeros(burst), 0, 0, intervalMs]);
    },
  );

  rule(
    'bounded-memory',
    'remembers no more clients than it may, and not first of all forgets the one that is refused',
    {
      rule: 'what a limit remembers must have a limit itself',
      likely: 'clients are remembered for ever, or all are forgotten when there are too many',
    },
    async ({ call, random }) => {
      const clientsMax = random.integer(50, 200);
      const others = Array.from({ length: 20 * clientsMax }, (_, index) => [`other ${index}`, index] as const);
      const greedy = (ms: number) => ['greedy', ms] as const;
      const takes = [greedy(0), greedy(0), ...others.flatMap((other, index) => (index % 10 === 0 ? [other, greedy(index)] : [other]))];
      const { waits, size } = await call('buckets', { intervalMs: HOUR_MS, burst: 2, clientsMax, takes });
      check(size <= clientsMax, { sent: `${others.length} clients`, received: `${size} that are remembered`, expected: `at most ${clientsMax}` });
      const first = takes.findIndex(([key], index) => index > 1 && key === 'greedy' && waits[index] === 0);
      check(first === -1, { sent: 'a client that goes on asking while others come', received: `a token at its request number ${first}`, expected: 'none: it was seen a moment ago' });
    },
  );

  rule(
    'cross-site',
    'refuses what a page of another site sends to change something',
    {
      rule: 'browsers say by Sec-Fetch-Site whose page it is (Fetch Metadata §2.3); from another site, only safe methods are allowed (RFC 9110 §9.2.1)',
      likely: 'a request without the field is refused, too, and with it every program that is not a browser',
      attack: { name: 'cross-site request forgery', year: 2008, fell: 'ING Direct and YouTube: pages of others could move money and add friends' },
    },
    staged(async (stage) => {
      const { address } = await stage.serve({ crossSite: 'refuse' });
      const same = 'one.example:8443';
      const cases: readonly (readonly [string, Fields, boolean])[] = [
        ...['POST', 'PUT', 'PATCH', 'DELETE'].flatMap((method) => [
          [method, [], true] as const,
          [method, [['Sec-Fetch-Site', 'same-origin']], true] as const,
          [method, [['Sec-Fetch-Site', 'none']], true] as const,
          [method, [['Sec-Fetch-Site', 'same-site']], false] as const,
          [method, [['Sec-Fetch-Site', 'cross-site']], false] as const,
          [method, [['Sec-Fetch-Site', 'cross-site'], ['Origin', `https://${same}`]], false] as const,
        ]),
        ...['GET', 'HEAD'].map((method) => [method, [['Sec-Fetch-Site', 'cross-site'], ['Origin', 'https://evil.example']], true] as const),
        ['POST', [['Origin', `https://${same}`]], true],
        ['POST', [['Origin', 'https://evil.example']], false],
        ['POST', [['Origin', `https://${same}.evil.example`]], false],
        ['POST', [['Origin', 'null']], false],
        ['POST', [['Sec-Fetch-Site', 'same-origin'], ['Origin', 'https://before.proxy.example']], true],
      ];
      for (const [method, fields, isFine] of stage.world.random.shuffle(cases)) {
        const http = await stage.world.http(address);
        http.send(method, '/', closing({ fields, host: same }));
        expectStatus(await http.response(), isFine ? 200 : 403, `${method} / ${fields.map(([name, value]) => `${name}: ${value}`).join(', ')}`);
      }
      const open = await stage.serve({});
      expectStatus(await ask(stage, open.address, [['Sec-Fetch-Site', 'cross-site']], 'POST'), 200, 'POST from another site, to a server that allows it');
    }),
  );
});

/** One request with these fields, and what the application was told. */
async function tell(stage: Stage, address: Address, fields: Fields, before: Uint8Array = new Uint8Array()): Promise<Told> {
  const http = await stage.world.http(address);
  http.sendBytes(Buffer.concat([before, requestBytes('GET', '/', closing({ fields }))]));
  return toldBy(await http.response(), `${fields.map(([name, value]) => `${name}: ${value.slice(0, 80)}`).join('; ') || 'a request'}`);
}

function expectClient({ client }: Told, address: string, sent: string, port?: number): void {
  const isRight = client !== null && sameAddress(client.address, address) && (port === undefined || client.port === port);
  check(isRight, {
    sent,
    received: client === null ? 'an application that was told of no client' : `an application that was told of ${client.address}, port ${client.port}`,
    expected: `the client ${address}${port === undefined ? '' : `, port ${port}`}`,
  });
}

/** IPv6 has several spellings; `::ffff:` before an IPv4 address is one. */
function sameAddress(one: string, other: string): boolean {
  const plain = (text: string): string => text.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');
  return plain(one) === plain(other);
}

/** Nobody can know who it is: not the one that was said, and not the one to the left of it. */
function expectNobody({ client }: Told, said: string, sent: string): void {
  const wrong = client !== null && [SPOOFED, CLIENT, CLIENT_V6, ...(said === 'unknown' ? [] : [said])].some((address) => sameAddress(client.address, address));
  check(!wrong, { sent, received: `an application that was told of ${client?.address ?? 'nobody'}`, expected: 'a client that is not known: null, unknown, or the proxy' });
}

type ClientCase = readonly [lines: readonly string[], address: string];

async function expectClients(stage: Stage, address: Address, name: string, cases: readonly ClientCase[]): Promise<void> {
  for (const [lines, client] of stage.world.random.shuffle(cases)) {
    const told = await tell(stage, address, lines.map((line) => [name, line]));
    expectClient(told, client, lines.length === 0 ? `no ${name}` : `${name}: ${lines.join(' and ')}`);
  }
}

/** Each header with a request: in one write, byte by byte, and cut somewhere. */
async function expectHeaders(stage: Stage, address: Address, cases: readonly (readonly [header: Buffer, client: string, port: number])[]): Promise<void> {
  const { random } = stage.world;
  for (const [header, client, port] of cases) {
    const bytes = Buffer.concat([header, requestBytes('POST', '/', { body: 'after the header', fields: [['Connection', 'close']] })]);
    for (const how of ['in one write', 'byte by byte', 'cut']) {
      const http = await stage.world.http(address);
      if (how === 'in one write') http.tcp.write(bytes);
      else if (how === 'cut') await http.tcp.writeSplit(bytes, random.integer(1, header.length));
      else await http.tcp.writePieces([...Array.from(header, (byte) => Buffer.of(byte)), bytes.subarray(header.length)]);
      http.announce('POST');
      const told = toldBy(await http.response(), `a PROXY header and a request, ${how}`);
      expectClient(told, client, `a PROXY header and a request, ${how}`, port);
      check(told.body === 'after the header', { sent: `a PROXY header and a request, ${how}`, received: `the body ${told.body}`, expected: 'the whole body' });
    }
  }
}

/** These bytes and then a request: the connection is closed, and the request is not served. */
async function expectRefused(stage: Stage, address: Address, bytes: Buffer, what: string): Promise<void> {
  const client = await stage.world.connect(address, { label: what });
  client.write(Buffer.concat([bytes, requestBytes('GET', '/refused', closing())]));
  await over(client);
  check(!client.received.includes('"path":"/refused"'), { sent: `${what}, and then a request`, received: client.describe(), expected: 'the connection is closed, and the request is not served' });
}

async function ask(stage: Stage, address: Address, fields: Fields, method = 'GET'): Promise<HttpTestResponse> {
  const http = await stage.world.http(address);
  http.send(method, '/', closing({ fields }));
  return await http.response();
}

/** A client that a proxy says has this address. It is served, and stays. */
async function comes(stage: Stage, address: Address, client: string): Promise<HttpClient> {
  const http = await stage.world.http(address, { label: `a connection of ${client}` });
  http.sendBytes(Buffer.concat([headerFor(client), requestBytes('GET', '/')]));
  toldBy(await http.response(), `a connection of ${client}`);
  return http;
}

async function isServed(stage: Stage, address: Address, client: string): Promise<boolean> {
  const http = await stage.world.http(address);
  http.sendBytes(Buffer.concat([headerFor(client), requestBytes('GET', '/', closing())]));
  await over(http.tcp);
  return http.tcp.received.includes('"path":"/"');
}

async function expectNotServed(stage: Stage, address: Address, client: string, what: string): Promise<void> {
  check(!(await isServed(stage, address, client)), { sent: what, received: 'the answer of the application', expected: 'the connection is closed, or the request is refused' });
}

/** One more connection is closed, or refused in some other way. */
async function expectNoRoom(stage: Stage, address: Address, secure: boolean, what: string): Promise<void> {
  const client = stage.world.client(address, { label: what });
  if (!secure) client.write(requestBytes('GET', '/', closing()));
  await over(client, 'the connection is closed');
  check(!client.received.includes('"path":"/"'), { sent: what, received: client.describe(), expected: 'the connection is closed, or the request is refused' });
}

async function expectRoom(stage: Stage, address: Address, secure: boolean, after: string): Promise<void> {
  await eventually(stage.world, async () => {
    if (secure) return (await stage.tries(address, {})).isIn;
    const client = stage.world.client(address);
    client.write(requestBytes('GET', '/', closing()));
    await over(client);
    return client.received.includes('"path":"/"');
  }, { sent: `a connection, when ${after}`, received: 'it is closed', expected: 'it is served' });
}
