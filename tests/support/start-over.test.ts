/** Which processes of trusted code serve another rule, and which do not. */
import { expect, test } from 'vitest';
import { serverThat, withSubject } from '#support/fixtures/evil.ts';
import type { Subject } from '#support/subject.ts';
import { TcpClient } from '#support/tcp-client.ts';
import type { Address } from '#support/tcp-client.ts';

const ECHO = 'socket.on("data", (bytes) => socket.write(bytes)).on("error", () => {});';

/** An echo server that does this before it begins. */
const serverAfter = (before: string): string => serverThat(ECHO).replace('return new Promise', `${before};\nreturn new Promise`);

async function useOnce(subject: Subject): Promise<Address> {
  const address = (await subject.call('start', [])) as Address;
  const client = await new TcpClient(subject, address).connected();
  client.write('hello');
  await client.expectBytes('hello');
  client.destroy();
  return address;
}

test('a server that was left open is closed, and the process is used again', async () => {
  await withSubject(serverThat(ECHO), async (subject) => {
    const first = await useOnce(subject);
    expect(await subject.startOver()).toBe(true);
    expect(subject.reused).toBe(true);
    await expect(new TcpClient(subject, first).connected()).rejects.toThrow();
    await useOnce(subject);
  }, { shared: true });
});

test('a clock and a method that were changed are put back', async () => {
  const source = `${serverAfter('before.add(Date).add(net.Server.prototype.listen); globalThis.Date = class extends Date {}; net.Server.prototype.listen = function (...args) { return listen.apply(this, args); }; if (before.size > 2) throw new Error("not put back")')}
    import net from 'node:net';
    const before = new Set();
    const { listen } = net.Server.prototype;`;
  await withSubject(source, async (subject) => {
    await useOnce(subject);
    expect(await subject.startOver()).toBe(true);
    await useOnce(subject);
  }, { shared: true });
});

test.each([
  ['a child', 'spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" })'],
  ['a timer', 'setInterval(() => {}, 1000)'],
  ['another environment', 'process.env.TZ = "Asia/Tokyo"'],
  ['a listener of the process', 'process.on("SIGTERM", () => {})'],
])('%s that was left behind ends the process', async (_, left) => {
  await withSubject(serverAfter(left), async (subject) => {
    await useOnce(subject);
    expect(await subject.startOver()).toBe(false);
  }, { shared: true });
});
