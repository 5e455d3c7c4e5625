/** `attack`: its names and options, and what the programs of chapter 08 refuse. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FakeCourse } from '../fake-course.ts';
import { ROOT } from '../root.ts';

const MAIN = join(ROOT, 'chapters', '08-production', 'attacks', 'shared', 'main.ts');

/** Runs an attack as the command does. */
async function attack(args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [MAIN, ...args]);
  onTestFinished(() => { child.kill('SIGKILL'); });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

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
  test.each([
    ['without a port', [], /^Which server\? Say its port: npm run attack slow-headers -- --port 8000\n$/],
    ['for another machine', ['--port', '80', '--host', '192.0.2.1'], /^192\.0\.2\.1 is not this machine\./],
    ['for a name', ['--port', '80', '--host', 'one.example'], /^one\.example is not this machine\./],
    ['for all addresses', ['--port', '80', '--host', '0.0.0.0'], /is not this machine/],
    ['for a port that there cannot be', ['--port', '65536'], /^--port 65536: it takes a whole number from 1 to 65535\.\n$/],
    ['with too many connections', ['--port', '80', '--connections', '5001'], /whole number from 1 to 5000/],
    ['with a path that is not one', ['--port', '80', '--path', 'a b'], /a path begins with a slash/],
    ['where nobody listens', ['--port', '1'], /^No answer from http:\/\/127\.0\.0\.1:1\//],
  ])('%s', async (_, args, stderr) => {
    expect(await attack(['slow-headers', ...args])).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(stderr) });
  });

  test('if it is about the handshake, and TLS is not spoken of', async () => {
    expect(await attack(['half-hello', '--port', '80'])).toMatchObject({ code: 2, stderr: expect.stringContaining('add --tls') });
  });
});
