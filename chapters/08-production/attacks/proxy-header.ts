/** A PROXY header without its line end. A server that looks for one before each request, or for as long as it takes, keeps it all. */

import type { Attack } from './shared/attack.ts';
import { pour } from './shared/pour.ts';

export default {
  does: 'sends a PROXY header that does not end',
  rules: ['8.3/proxy-refuses', '8.3/proxy-from-strangers'],
  connections: 1,
  seconds: 20,
  run: async (target) => {
    const client = await target.connect();
    return await pour(target, client.write('PROXY UNKNOWN '), 'a PROXY header', 'x');
  },
} satisfies Attack;
