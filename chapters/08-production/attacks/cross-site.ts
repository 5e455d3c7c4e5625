/** What a browser sends for a form of another site: the cookies of the user, and two fields that tell where the form was. */

import type { Attack } from './shared/attack.ts';
import { fell, stood, undecided } from './shared/attack.ts';

export default {
  does: 'posts a form of another site, as a browser would',
  rules: ['8.3/cross-site'],
  connections: 1,
  seconds: 20,
  run: async (target) => {
    const client = await target.open();
    client.write(`${target.head('POST')}Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    await target.until(() => client.status !== null || !client.isOpen, 5_000);
    const { status } = client;
    console.log(`POST ${target.options.path} from https://evil.example: ${status === null ? 'no answer' : `status ${status}`}`);
    if (status === 403) return stood('it refuses what another site has made up');
    if (status !== null && status < 400) return fell('it does what any site tells a browser of its users to do');
    return undecided('nothing can be posted there; say where: --path /form');
  },
} satisfies Attack;
