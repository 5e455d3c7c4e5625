/** Names of hosts that nobody thought of, in the ClientHello: a callback may throw, and an object has more names than its own. */

import type { TLSSocket } from 'node:tls';

import type { Attack } from './shared/attack.ts';
import { fell, stood } from './shared/attack.ts';
import type { Target } from './shared/target.ts';

const NAMES = ['__proto__', 'constructor', 'toString', 'unknown.example', '*', 'a..b', 'n'.repeat(255)];

export default {
  does: 'asks for hosts with strange names, and for known ones in capitals',
  rules: ['8.1/strange-names', '8.1/names-in-capitals', '8.1/callback-throws'],
  connections: 1,
  seconds: 20,
  needsTls: true,
  run: async (target) => {
    for (const servername of NAMES) {
      const { fingerprint } = await shown(target, servername);
      const other = await target.ask();
      console.log(`${servername.slice(0, 20).padEnd(20)} ${fingerprint === '' ? 'refused' : 'a certificate'}; somebody else ${other === null ? 'is not served' : 'is served'}`);
      if (other === null) return fell(`after a ClientHello for ${servername.slice(0, 20)}, nobody is served any more`);
    }
    const { names } = await shown(target, 'localhost');
    for (const name of names) {
      const [small, capitals] = [await shown(target, name), await shown(target, name.toUpperCase())];
      if (small.fingerprint !== capitals.fingerprint) return fell(`${name.toUpperCase()} gets another certificate than ${name}`);
    }
    return stood('strange names cost their own handshake at most, and capitals are the same name');
  },
} satisfies Attack;

/** What a client that asks for this host is shown; nothing if it is refused. */
async function shown(target: Target, servername: string): Promise<{ fingerprint: string; names: string[] }> {
  const client = await target.open({ servername });
  const certificate = client.isOpen ? (client.socket as TLSSocket).getPeerX509Certificate() : undefined;
  client.socket.destroy();
  const names = (certificate?.subjectAltName ?? '').split(', ').filter((entry) => /^DNS:[a-z0-9.-]+$/i.test(entry)).map((entry) => entry.slice(4));
  return { fingerprint: certificate?.fingerprint256 ?? '', names };
}
