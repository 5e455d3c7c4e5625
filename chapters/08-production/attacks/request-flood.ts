/** One client that asks as often as it can: for passwords, for prices, or just to keep others waiting. */

import type { Attack } from './shared/attack.ts';
import { fell, stood } from './shared/attack.ts';
import { burst, told } from './shared/burst.ts';

const REQUESTS = 500;

export default {
  does: 'sends 500 requests as fast as they are answered',
  rules: ['8.3/too-many-requests'],
  connections: 10,
  seconds: 20,
  run: async (target) => {
    const done = await burst(target, REQUESTS);
    console.log(`${told(done)}, in ${done.seconds.toFixed(1)} s`);
    const other = await target.ask();
    const { status = 0 } = other ?? {};
    if (other === null || status === 429 || status >= 500) return fell(`somebody else ${other === null ? 'gets no answer' : `is answered ${status}`}`);
    if (done.statuses.has(429)) return stood(`it has answered 429${done.retryAfter === null ? '' : `, with Retry-After: ${done.retryAfter}`}, and serves others`);
    if (done.statuses.has(0)) return stood('it has closed connections, and serves others');
    return fell('it does whatever one client asks for, however often');
  },
} satisfies Attack;
