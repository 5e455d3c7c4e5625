/** One head with fields without end. Whatever keeps them until the last one keeps what the client likes. */

import type { Attack } from './shared/attack.ts';
import { pour } from './shared/pour.ts';

export default {
  does: 'sends a head with one field after another, without end',
  rules: ['2.2/limits-the-section'],
  connections: 1,
  seconds: 20,
  run: async (target) => {
    const client = await target.open();
    return await pour(target, client.write(target.head()), 'fields', 'X-Bomb: boom\r\n');
  },
} satisfies Attack;
