/** Asks for what is nobody's business: the usual paths of monitoring, at the public address. */

import type { Attack } from './shared/attack.ts';
import { fell, stood } from './shared/attack.ts';

const PATHS = ['/metrics', '/health', '/readiness', '/debug/vars', '/server-status'];

export default {
  does: 'asks at the public address for what is for monitoring alone',
  rules: ['8.5/not-for-strangers'],
  connections: 1,
  seconds: 20,
  run: async (target) => {
    const open: string[] = [];
    for (const path of PATHS) {
      const client = await target.open();
      client.write(`${target.head('GET', path)}Connection: close\r\n\r\n`);
      await target.until(() => !client.isOpen, 5_000);
      const tells = /^# TYPE \w+/m.test(client.received) || /"(?:status|uptime|workers|cmdline)":/.test(client.received);
      console.log(`${path.padEnd(15)} status ${client.status ?? 'none'}${tells ? ', and it tells' : ''}`);
      if (tells) open.push(path);
    }
    return open.length > 0 ? fell(`it tells everybody who asks for ${open.join(', ')}`) : stood('monitoring is not at the public address');
  },
} satisfies Attack;
