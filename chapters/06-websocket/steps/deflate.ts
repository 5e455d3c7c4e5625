/**
 * What deflating messages saves, how much memory it holds, and what an attacker can make of it: `npx tsx
 * chapters/06-websocket/steps/deflate.ts context`, `memory` or `bomb`.
 */
import { once } from 'node:events';
import { constants, createDeflateRaw, createInflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib';

const TAIL_BYTES = 4;

/** As permessage-deflate has it: flushed, and without the four bytes with which every flush ends. */
function deflate(text: string, before: string): Buffer {
  const dictionary = before === '' ? undefined : Buffer.from(before);
  const bytes = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH, dictionary });
  return bytes.subarray(0, -TAIL_BYTES);
}

function context(): void {
  let before = '';
  console.log('message  as it is  by itself  with context');
  const texts = ['Anybody there?', 'I am. Who else?', 'Only me.', 'And the cat.'];
  for (const [i, text] of texts.entries()) {
    const name = i % 2 === 0 ? 'ann' : 'bob';
    const time = `2026-11-21T17:20:0${i}.123Z`;
    const message = JSON.stringify({ type: 'message', id: `m3k2-${i}`, name, text, time });
    const sizes = [message.length, deflate(message, '').length, deflate(message, before).length];
    console.log(`${i + 1}      ${sizes.map((size) => String(size).padStart(11)).join('')}`);
    before += message;
  }
}

/** Streams as most servers keep them: one of each kind for each connection. */
async function memory(): Promise<void> {
  const CONNECTIONS = 1000;
  const rss = (): number => process.memoryUsage.rss();
  const beforeBytes = rss();
  const kept: unknown[] = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    const deflater = createDeflateRaw();
    const inflater = createInflateRaw();
    deflater.write('Anybody there?');
    deflater.flush();
    const [bytes] = (await once(deflater, 'data')) as [Buffer];
    inflater.write(bytes);
    await once(inflater, 'data');
    kept.push(deflater, inflater);
  }
  console.log(`${Math.round((rss() - beforeBytes) / CONNECTIONS / 1024)} KB for a connection (${kept.length} streams)`);
}

function bomb(): void {
  const MEGABYTE = 1024 * 1024;
  const bytes = deflate('\0'.repeat(MEGABYTE), '');
  const tail = Buffer.from([0x00, 0x00, 0xff, 0xff]);
  const inflated = inflateRawSync(Buffer.concat([bytes, tail]), { finishFlush: constants.Z_SYNC_FLUSH });
  const ratio = Math.round(inflated.length / bytes.length);
  console.log(`${bytes.length} bytes on the wire, ${inflated.length} in memory: 1 to ${ratio}`);
}

switch (process.argv[2]) {
  case 'context': context(); break;
  case 'memory': await memory(); break;
  case 'bomb': bomb(); break;
  default: console.log('context, memory or bomb?');
}
