import { describe, expect, test } from 'vitest';

import {
  applyMask, closeCodes, Deflater, encodeFrame, Inflater, mayBeSent, offerDeflate, acceptDeflate, acceptedDeflate,
  parseExtensions, SharedMessage, Utf8Validator, WebSocketConnection, defaultDeflateParameters, webSocketTransitions,
} from '../../../solutions/06-websocket/index.ts';
import { binary, clientFrame, close, continuation, inflateAlone, readServerFrame, text } from '../cases/index.ts';

describe('masks', () => {
  test('every length, place and phase: as the definition says', () => {
    const key = 0x81fa213d;
    const octets = [0x81, 0xfa, 0x21, 0x3d];
    for (const length of [0, 1, 3, 4, 5, 15, 16, 17, 190, 191, 192, 193, 194, 199, 200, 201, 1000, 1003]) {
      for (let start = 0; start < 5; start++) {
        for (let phase = 0; phase < 4; phase++) {
          const bytes = new Uint8Array(new ArrayBuffer(length + 16), 3, length + 8);
          for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7) & 0xff;
          const expected = bytes.map((byte, i) =>
            i < start || i >= start + length ? byte : byte ^ octets[(i - start + phase) & 3]!);
          const ascii = applyMask(bytes, start, start + length, key, phase);
          expect(bytes).toEqual(expected);
          expect(ascii).toBe(expected.subarray(start, start + length).every((byte) => byte < 0x80));
        }
      }
    }
  });

  test('one byte beyond ASCII is seen wherever it is', () => {
    for (let at = 0; at < 300; at++) {
      const bytes = Buffer.alloc(300, 'a');
      bytes[at] = 0xe4;
      applyMask(bytes, 0, 300, 0x01020304, 0);
      expect(applyMask(bytes, 0, 300, 0x01020304, 0)).toBe(false);
    }
  });
});

test('UTF-8: agrees with TextDecoder on random bytes, and with itself however they are cut', () => {
  const bytes = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
    0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff];
  let state = 1;
  const next = (below: number): number => (state = (state * 48271) % 0x7fffffff) % below;
  let right = 0;
  for (let round = 0; round < 20_000; round++) {
    const given = Buffer.from(Array.from({ length: 1 + next(4) }, () => bytes[next(bytes.length)]!));
    const expected = decodes(given);
    if (expected) right++;
    const long = Buffer.concat([Buffer.alloc(next(2) * 100, 'a'), given]);
    const whole = new Utf8Validator();
    expect(whole.receive(long) && whole.complete, given.toString('hex')).toBe(expected);
    const singly = new Utf8Validator();
    const begins = [...given].every((byte) => singly.receive(Buffer.from([byte])));
    expect(begins && singly.complete, given.toString('hex')).toBe(expected);
  }
  expect(right).toBeGreaterThan(100);
});

function decodes(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

test('close codes', () => {
  const right = Array.from({ length: 65536 }, (_, code) => code).filter(mayBeSent);
  expect(right.length).toBe(4 + 8 + 2000);
  for (const name of ['noStatus', 'abnormal'] as const) expect(mayBeSent(closeCodes[name])).toBe(false);
});

describe('the machine', () => {
  test('what is sent as a client is read by a server, and the other way round', () => {
    for (const [from, to] of [['client', 'server'], ['server', 'client']] as const) {
      for (const deflate of [null, defaultDeflateParameters]) {
        const sender = new WebSocketConnection({ role: from, deflate, deflateFromBytes: 0 });
        const receiver = new WebSocketConnection({ role: to, deflate });
        for (const data of ['', 'hello ✓', 'x'.repeat(70_000), Buffer.alloc(0), Buffer.alloc(130, 9)]) {
          receiver.receiveData(Buffer.from(sender.send({ type: 'message', data })));
          expect(receiver.nextEvent()).toEqual({ type: 'message', data });
          expect(receiver.nextEvent().type).toBe('need-more-data');
        }
        receiver.receiveData(sender.send({ type: 'close', code: 1000, reason: 'ende' }));
        expect(receiver.nextEvent()).toEqual({ type: 'close', code: 1000, reason: 'ende' });
        sender.receiveData(receiver.send({ type: 'close', code: 1000 }));
        expect(sender.nextEvent()).toMatchObject({ type: 'close', code: 1000 });
        expect([sender.state, receiver.state]).toEqual(['closed', 'closed']);
      }
    }
  });

  test('masks by role: 1002', () => {
    const server = new WebSocketConnection();
    server.receiveData(encodeFrame(0x81, 'x', false));
    expect(() => server.nextEvent()).toThrow('not masked');
    const client = new WebSocketConnection({ role: 'client' });
    client.receiveData(clientFrame(text('x')));
    expect(() => client.nextEvent()).toThrow('masked');
  });

  test('after a failure it throws the same again, takes no bytes, and sends one Close frame', () => {
    const machine = new WebSocketConnection();
    machine.receiveData(clientFrame({ ...text('x'), rsv: 1 }));
    expect(() => machine.nextEvent()).toThrow('reserved bit');
    machine.receiveData(clientFrame(text('y')));
    expect(machine.bufferedBytes).toBe(0);
    expect(() => machine.nextEvent()).toThrow('reserved bit');
    expect(() => machine.send({ type: 'message', data: 'z' })).toThrow('failed');
    machine.send({ type: 'close', code: 1002 });
    expect(() => machine.send({ type: 'close' })).toThrow('closed');
  });

  test.each([
    ['126 in four bytes', [0x82, 0xfe, 0, 125]],
    ['65535 in ten bytes', [0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff]],
    ['the highest bit', [0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]],
  ])('lengths that are not right: %s', (_, head) => {
    const machine = new WebSocketConnection();
    machine.receiveData(Buffer.from(head));
    expect(() => machine.nextEvent()).toThrow(expect.objectContaining({ closeCode: 1002 }) as Error);
  });

  test('a length beyond all limits is 1009 before its mask has come', () => {
    const machine = new WebSocketConnection();
    machine.receiveData(Buffer.from([0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]));
    expect(() => machine.nextEvent()).toThrow(expect.objectContaining({ closeCode: 1009 }) as Error);
  });

  test('what may not be sent is refused and changes nothing', () => {
    const machine = new WebSocketConnection();
    expect(() => machine.send({ type: 'ping', data: Buffer.alloc(126) })).toThrow('125');
    expect(() => machine.send({ type: 'close', code: 1006 })).toThrow('must not be sent');
    expect(() => machine.send({ type: 'close', reason: 'why' })).toThrow('without a close code');
    expect(machine.state).toBe('open');
  });

  test('the end of input', () => {
    const machine = new WebSocketConnection();
    machine.receiveData(clientFrame(text('half', false)));
    machine.receiveEof();
    expect(machine.nextEvent()).toEqual({ type: 'end' });
    expect(machine.state).toBe('closed');
    expect(() => machine.receiveData(Buffer.from('x'))).toThrow('after the end');
  });

  test('no state leads back to open', () => {
    for (const [state, transitions] of Object.entries(webSocketTransitions)) {
      if (state !== 'open') expect(Object.values(transitions)).not.toContain('open');
    }
  });
});

describe('permessage-deflate', () => {
  const deflate = defaultDeflateParameters;
  const hello = Buffer.from('f248cdc9c90700', 'hex');
  const receive = (...payloads: Buffer[]): unknown[] => {
    const machine = new WebSocketConnection({ deflate });
    return payloads.map((payload) => {
      machine.receiveData(clientFrame({ ...text(payload), rsv: 4 }));
      return (machine.nextEvent() as { data?: unknown }).data;
    });
  };

  test('the examples of RFC 7692 §7.2.3', () => {
    expect(receive(hello, Buffer.from('f200110000', 'hex'))).toEqual(['Hello', 'Hello']);
    expect(receive(Buffer.from('000500faff48656c6c6f00', 'hex'))).toEqual(['Hello']);
    expect(receive(Buffer.from('f348cdc9c9070000', 'hex'))).toEqual(['Hello']);
    expect(receive(Buffer.from('f24805000000ffffcac9c90700', 'hex'))).toEqual(['Hello']);
    expect(receive(Buffer.from('00', 'hex'))).toEqual(['']);
  });

  test('a final block with others after it', () => {
    const final = Buffer.from('f348cdc9c90700', 'hex');
    const empty = Buffer.from('00', 'hex');
    expect(receive(Buffer.concat([final, final, empty]))).toEqual(['HelloHello']);
    const many = Buffer.concat([...Array.from({ length: 40 }, () => final), empty]);
    expect(() => receive(many)).toThrow(expect.objectContaining({ closeCode: 1007 }) as Error);
  });

  test('a fragmented deflated message, RSV1 on its first frame only', () => {
    const machine = new WebSocketConnection({ deflate });
    machine.receiveData(clientFrame({ ...text(hello.subarray(0, 3), false), rsv: 4 }));
    machine.receiveData(clientFrame(continuation(hello.subarray(3))));
    expect(machine.nextEvent()).toEqual({ type: 'message', data: 'Hello' });
    machine.receiveData(clientFrame({ ...text(hello.subarray(0, 3), false), rsv: 4 }));
    machine.receiveData(clientFrame({ ...continuation(hello.subarray(3)), rsv: 4 }));
    expect(() => machine.nextEvent()).toThrow(expect.objectContaining({ closeCode: 1002 }) as Error);
  });

  test('a message that is not deflated may come all the same', () => {
    const machine = new WebSocketConnection({ deflate });
    machine.receiveData(clientFrame(text('plain')));
    expect(machine.nextEvent()).toEqual({ type: 'message', data: 'plain' });
  });

  test('bytes that are not deflated data: 1007; text that is not UTF-8 once inflated: 1007', () => {
    expect(() => receive(Buffer.from('ffffff', 'hex'))).toThrow(expect.objectContaining({ closeCode: 1007 }) as Error);
    const bad = new Deflater(15, false).deflate(Buffer.from([0xc3, 0x28]));
    expect(() => receive(bad)).toThrow(expect.objectContaining({ closeCode: 1007 }) as Error);
  });

  test('the limit is on what is inflated, and is reached before all of it is: 1009', () => {
    const bomb = new Deflater(15, false).deflate(Buffer.alloc(128 * 2 ** 20));
    expect(bomb.length).toBeLessThan(150_000);
    const began = process.memoryUsage().arrayBuffers;
    expect(() => receive(bomb)).toThrow(expect.objectContaining({ closeCode: 1009 }) as Error);
    expect(process.memoryUsage().arrayBuffers - began).toBeLessThan(32 * 2 ** 20);
    const exact = new Inflater(15, false);
    const thousand = new Deflater(15, false).deflate(Buffer.alloc(1000));
    expect(exact.inflate(thousand, 1000)).toHaveLength(1000);
    expect(() => exact.inflate(thousand, 999)).toThrow('too long');
  });

  test('context takeover makes the second of two like messages shorter, and without it does not', () => {
    const message = Buffer.from(Array.from({ length: 200 }, (_, i) => (i * 7919) & 0xff));
    const keeping = new Deflater(15, true);
    expect(keeping.deflate(message).length).toBeGreaterThan(keeping.deflate(message).length * 4);
    const forgetting = new Deflater(15, false);
    expect(forgetting.deflate(message)).toEqual(forgetting.deflate(message));
  });

  test('a shared message fits a peer with context takeover, before and after others', () => {
    const server = new WebSocketConnection({ deflate, deflateFromBytes: 0 });
    const client = new WebSocketConnection({ role: 'client', deflate });
    const data = 'the same words, the same words, the same words';
    for (const sent of [data, new SharedMessage(data), data, new SharedMessage(data), data, data]) {
      const frame = server.send({ type: 'message', data: sent });
      expect(frame[0]! & 0x40).toBe(0x40);
      client.receiveData(Buffer.from(frame));
      expect(client.nextEvent()).toEqual({ type: 'message', data });
    }
    const shared = new SharedMessage(data);
    expect(shared.frame()).toBe(shared.frame());
    expect(shared.deflatedFrame(15)).toBe(shared.deflatedFrame(15));
    expect(inflateAlone(readServerFrame(shared.deflatedFrame(8), 0)!.payload).toString()).toBe(data);
  });

  test('offers and answers of both sides fit', () => {
    const answerTo = (offer: string, wanted = {}): string | undefined =>
      acceptDeflate(parseExtensions(offer)!, { ...deflate, ...wanted })?.answer;
    expect(offerDeflate()).toBe('permessage-deflate; client_max_window_bits');
    expect(answerTo(offerDeflate())).toBe('permessage-deflate');
    expect(answerTo(offerDeflate(), { clientMaxWindowBits: 10 })).toBe('permessage-deflate; client_max_window_bits=10');
    expect(answerTo('permessage-deflate', { clientMaxWindowBits: 10 })).toBe('permessage-deflate');
    expect(answerTo('permessage-deflate; client_max_window_bits=9', { clientMaxWindowBits: 12 }))
      .toBe('permessage-deflate; client_max_window_bits=9');
    expect(answerTo('permessage-deflate', { serverNoContextTakeover: true }))
      .toBe('permessage-deflate; server_no_context_takeover');
    const accepted = (answer: string, wanted = {}): unknown =>
      acceptedDeflate(parseExtensions(answer)![0]!, { ...deflate, ...wanted });
    expect(accepted('permessage-deflate; client_max_window_bits=10')).toMatchObject({ clientMaxWindowBits: 10 });
    expect(accepted('permessage-deflate; client_max_window_bits')).toBeNull();
    expect(accepted('permessage-deflate', { serverNoContextTakeover: true })).toBeNull();
    expect(accepted('permessage-deflate', { serverMaxWindowBits: 10 })).toBeNull();
    expect(accepted('permessage-deflate; server_max_window_bits=9', { serverMaxWindowBits: 10 }))
      .toMatchObject({ serverMaxWindowBits: 9 });
  });
});

test('a binary message of one frame and one chunk is not copied', () => {
  const machine = new WebSocketConnection();
  const bytes = clientFrame(binary(Buffer.alloc(1000, 1)));
  machine.receiveData(bytes);
  const event = machine.nextEvent();
  expect(event.type === 'message' && (event.data as Buffer).buffer).toBe(bytes.buffer);
  machine.receiveData(clientFrame(close(1000)));
  expect(machine.nextEvent().type).toBe('close');
});
