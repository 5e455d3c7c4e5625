/** The oldest protocol that both sides speak is what an attacker in the middle makes them speak. */

import type { TLSSocket } from 'node:tls';

import type { Attack } from './shared/attack.ts';
import { fell, stood } from './shared/attack.ts';

export default {
  does: 'offers no protocol but those of 1999 and 2006',
  rules: ['8.1/floor-of-1-2'],
  connections: 1,
  seconds: 20,
  needsTls: true,
  run: async (target) => {
    const taken: string[] = [];
    for (const version of ['TLSv1', 'TLSv1.1'] as const) {
      const client = await target.open({ minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' });
      console.log(`${version.padEnd(8)} ${client.isOpen ? 'a handshake' : 'refused'}`);
      if (client.isOpen) taken.push((client.socket as TLSSocket).getProtocol() ?? version);
      client.socket.destroy();
    }
    return taken.length > 0 ? fell(`it speaks ${taken.join(' and ')}`) : stood('it speaks nothing older than TLS 1.2');
  },
} satisfies Attack;
