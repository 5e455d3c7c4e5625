/** `attack`: its names and options, and what the programs of chapter 08 refuse. */
import { describe, expect, test } from 'vitest';
import type { Attack } from '../../chapters/08-production/attacks/shared/attack.ts';
import { Refusal, targetOptions } from '../../chapters/08-production/attacks/shared/options.ts';
import { FakeCourse } from '../fake-course.ts';

describe('the command', () => {
  test('knows its names, and passes the rest on', async () => {
    using course = new FakeCourse();
    expect(await course.run('attack slow-headers')).toMatchObject({ code: 2, stderr: expect.stringMatching(/There are none in\s+chapters\/08-production\/attacks\./) });
    course.write('chapters/08-production/attacks/slow-headers.ts', '');
    course.write('chapters/08-production/attacks/shared/main.ts', '');
    expect(await course.run('attack')).toMatchObject({ code: 2, stderr: expect.stringMatching(/^Which attack\? There are slow-headers\.\nUse: npm run attack NAME -- --port N /) });
    expect(await course.run('attack slow-heders --port 1')).toMatchObject({ code: 2, stderr: expect.stringMatching(/no attack "slow-heders"\. Did you mean slow-headers\?/) });
    expect(await course.run('attack ../ten --port 1')).toMatchObject({ code: 2 });
    expect(await course.run('attack slow-headers --ports 1')).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean --port?') });
  });
});

describe('an attack is refused', () => {
  const attack: Attack = { does: 'nothing', rules: [], connections: 1, seconds: 1, run: async () => await Promise.reject(new Error('it has begun')) };
  const read = (args: readonly string[], more: Partial<Attack> = {}) => targetOptions('slow-headers', { ...attack, ...more }, args, new AbortController().signal);

  test.each([
    ['without a port', [], /^Which server\? Say its port: npm run attack slow-headers -- --port 8000$/],
    ['for another machine', ['--port', '80', '--host', '192.0.2.1'], /^192\.0\.2\.1 is not this machine\./],
    ['for one that looks like this one', ['--port', '80', '--host', '::ffff:192.0.2.1'], /is not this machine\./],
    ['for a name', ['--port', '80', '--host', 'one.example'], /^one\.example is not this machine\./],
    ['for all addresses', ['--port', '80', '--host', '0.0.0.0'], /is not this machine/],
    ['for a port that there cannot be', ['--port', '65536'], /^--port 65536: it takes a whole number from 1 to 65535\.$/],
    ['with too many connections', ['--port', '80', '--connections', '5001'], /whole number from 1 to 5000/],
    ['for too long', ['--port', '80', '--seconds', '601'], /whole number from 1 to 600/],
    ['with a path that is not one', ['--port', '80', '--path', 'a b'], /a path begins with a slash/],
    ['with a path that holds another request', ['--port', '80', '--path', '/\r\nX: y'], /a path begins with a slash/],
    ['with what nobody knows', ['--port', '80', '--force'], /Unknown option '--force'/],
  ])('%s', (_, args, message) => {
    expect(() => read(args)).toThrow(Refusal);
    expect(() => read(args)).toThrow(message);
  });

  test('if it is about the handshake, and TLS is not spoken of', () => {
    expect(() => read(['--port', '80'], { needsTls: true })).toThrow(/add --tls/);
    expect(read(['--port', '80', '--tls'], { needsTls: true })).toMatchObject({ port: 80, tls: true });
  });

  test('and otherwise has what it was told, and the rest by default', () => {
    expect(read(['--port', '8000'])).toMatchObject({ host: '127.0.0.1', port: 8000, tls: false, path: '/', connections: 1, seconds: 1 });
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) expect(read(['--port', '8000', '--host', host])).toMatchObject({ host });
    expect(read(['--port', '8000', '--host', 'localhost', '--path', '/a?b', '--connections', '7', '--seconds', '9'])).toMatchObject({ host: '127.0.0.1', path: '/a?b', connections: 7, seconds: 9 });
  });
});
