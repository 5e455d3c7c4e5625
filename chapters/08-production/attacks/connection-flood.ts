/** Connections and nothing else. Each costs a descriptor, of which a process has a limited number. */

import type { Attack } from './shared/attack.ts';
import { hold } from './shared/hold.ts';

export default {
  does: 'connects, and asks for nothing',
  rules: ['8.2/idle-connections', '8.3/connections-in-all', '8.3/connections-per-client'],
  connections: 1000,
  seconds: 60,
  run: async (target) => await hold(target, { what: 'silent connections', open: async () => await target.connect() }),
} satisfies Attack;
