/** The attacks that send a message without an end. */

import type { Verdict } from './attack.ts';
import { fell, stood } from './attack.ts';
import type { Client } from './client.ts';
import type { Target } from './target.ts';

const MOST_BYTES = 16 * 1024 * 1024;
/** What is sent at a time. */
const PART_BYTES = 64 * 1024;
/** Between two parts: in this time an answer to the part before can be here. */
const GAP_MS = 20;

/** Sends parts of it until the server has had enough, or has taken far more than it should. */
export async function pour(target: Target, client: Client, what: string, part: string): Promise<Verdict> {
  const bytes = Buffer.from(part.repeat(Math.ceil(PART_BYTES / part.length)), 'latin1');
  const deadlineMs = performance.now() + 1000 * target.options.seconds;
  let sent = 0;
  while (client.isOpen && client.status === null && sent < MOST_BYTES && performance.now() < deadlineMs && !target.options.signal.aborted) {
    if (client.socket.writableLength === 0) {
      client.write(bytes);
      sent += bytes.length;
    }
    await target.until(() => !client.isOpen || client.status !== null, GAP_MS);
  }
  await target.until(() => !client.isOpen || client.status !== null, 1000);
  const much = `${(sent / 1024).toFixed(0)} KiB of ${what}`;
  console.log(`${much} sent; ${client.status === null ? (client.isOpen ? 'no answer' : 'the connection is closed') : `status ${client.status}`}`);
  const other = await target.ask();
  if (other === null) return fell(`nobody else is served after ${much}`);
  if (client.isOpen && client.status === null) return fell(`it has taken ${much}, and goes on reading`);
  if (client.status !== null && client.status < 400) return fell(`it has answered ${what} with ${client.status}`);
  return stood(`it did not wait for the end of ${what}${client.status === null ? ', and closed the connection' : `, and answered ${client.status}`}`);
}
