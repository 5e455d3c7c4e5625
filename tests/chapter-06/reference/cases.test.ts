import { describe, expect, test } from 'vitest';

import { acceptDeflate, parseExtensions } from '../../../solutions/06-websocket/index.ts';
import {
  agreedParameters, brokenOffers, clientFrame, close, declinedOffers, deflateCases, DeflateClient, frameCases, readServerFrame,
  testData,
} from '../cases/index.ts';
import { limits, MachineEcho, passes } from './machine-echo.ts';

// sizes.whole.test.ts has the large ones.
const { '9 sizes': _, ...small } = frameCases;
for (const [group, cases] of Object.entries(small)) describe(group, () => passes(cases));

test('every case has a number of its own', () => {
  const ids = [...Object.values(frameCases).flat(), ...deflateCases].map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

describe('12 and 13 permessage-deflate', () => {
  /** A thousand messages each is for the wire and for patience. */
  const BYTES_MAX = 128 * 1024;
  const MESSAGES_MAX = 20;
  for (const deflateCase of deflateCases) {
    test(`${deflateCase.id} ${deflateCase.title} (${deflateCase.section})`, async () => {
      const { messageBytes, fragmentBytes } = deflateCase;
      const count = Math.max(3, Math.min(deflateCase.messages, Math.floor(BYTES_MAX / messageBytes), MESSAGES_MAX));
      const accepted = acceptDeflate(parseExtensions(deflateCase.offer)!)!;
      for (const parameter of deflateCase.agreed.with) expect(accepted.answer).toContain(parameter);
      for (const parameter of deflateCase.agreed.without) expect(accepted.answer).not.toContain(parameter);
      const server = new MachineEcho({ limits, deflate: accepted.parameters, deflateFromBytes: 0 });
      const client = new DeflateClient(agreedParameters(accepted.answer));
      const data = testData(deflateCase.data, messageBytes + count);
      const text = deflateCase.data === 'json' || deflateCase.data === 'html';
      let at = 0;
      for (let i = 0; i < count; i++) {
        const message = data.subarray(i, i + messageBytes);
        const ascii = text ? Buffer.from(message.toString('latin1').replace(/[\x80-\xff]/g, '?')) : message;
        server.receive(await client.frames(ascii, text, fragmentBytes));
        const output = server.output();
        const frame = readServerFrame(output, at);
        if (frame === null || !frame.rsv1 || frame.opcode !== (text ? 1 : 2)) throw new Error(`no echo of message ${i}`);
        at = frame.end;
        expect(ascii.equals(await client.inflate(frame.payload))).toBe(true);
      }
      server.receive(clientFrame(close(1000)));
      expect(readServerFrame(server.output(), at)?.payload).toEqual(Buffer.from([3, 0xe8]));
      client.close();
    });
  }

  test.each(declinedOffers)('declined: %s', (offer) => {
    const extensions = parseExtensions(offer);
    expect(extensions).not.toBeNull();
    expect(acceptDeflate(extensions!)).toBeNull();
  });

  test.each(brokenOffers)('broken: %s', (offer) => {
    expect(parseExtensions(offer)).toBeNull();
  });
});
