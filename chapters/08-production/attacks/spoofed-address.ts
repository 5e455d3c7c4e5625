/** The same flood, by a client that says each time that it is somebody else. */

import type { Attack } from './shared/attack.ts';
import { fell, stood, undecided } from './shared/attack.ts';
import { burst, told } from './shared/burst.ts';

const REQUESTS = 500;

export default {
  does: 'sends more requests than it may, each in the name of another client',
  rules: ['8.3/strangers-say-nothing', '8.3/one-field', '8.3/too-many-requests'],
  connections: 10,
  seconds: 20,
  run: async (target) => {
    const plain = await burst(target, REQUESTS);
    console.log(`in its own name: ${told(plain)}`);
    if (!plain.statuses.has(429)) return undecided(`this server has no limit that could be got around; try npm run attack request-flood`);
    const spoofed = await burst(target, REQUESTS, (number) => {
      const address = `203.0.${113 + (number >> 8)}.${number & 255}`;
      return `X-Forwarded-For: ${address}\r\nForwarded: for=${address}\r\nX-Real-IP: ${address}\r\n`;
    });
    console.log(`in other names: ${told(spoofed)}`);
    const served = spoofed.statuses.get(200) ?? 0;
    if (served > REQUESTS / 2) return fell(`a client that writes another address into a field is another client: ${served} requests were served`);
    return stood('it does not believe a stranger who says that it is somebody else');
  },
} satisfies Attack;
