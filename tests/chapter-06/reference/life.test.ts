import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { constants, deflateRawSync } from 'node:zlib';

import { afterEach, describe, expect, test } from 'vitest';

import { serveHttp } from '../../../solutions/02-http/index.ts';
import type { HttpServer } from '../../../solutions/02-http/index.ts';
import { acceptKey, connectWebSocket, WebSockets } from '../../../solutions/06-websocket/index.ts';
import type { WebSocketPeer, WebSocketsOptions } from '../../../solutions/06-websocket/index.ts';
import { binary, clientFrame, close, ping, readServerFrame, text } from '../cases/index.ts';
import { fieldsWith, headOf, RawClient } from './raw-client.ts';
import { roundTrip, standstill, until } from './waiting.ts';

let server: HttpServer | undefined;
let webSockets: WebSockets;
const errors: unknown[] = [];

/** Serves; `onOpen` defaults to an echo. */
async function serve(options: WebSocketsOptions = {}, onOpen?: (peer: WebSocketPeer) => void): Promise<WebSocketPeer[]> {
  const peers: WebSocketPeer[] = [];
  errors.length = 0;
  webSockets = new WebSockets({ onError: (error) => errors.push(error), ...options });
  server = await serveHttp((request) => webSockets.accept(webSockets.readOffer(request), {}, (peer) => {
    peers.push(peer);
    if (onOpen !== undefined) onOpen(peer);
    else peer.onMessage = (message) => void peer.send(message);
  }));
  return peers;
}

afterEach(async () => {
  await server?.close();
  server = undefined;
});

const open = (): Promise<RawClient> => RawClient.open(server!.origin);
const port = (): number => Number(new URL(server!.origin).port);

describe('the closing handshake', () => {
  test('the client closes: its code comes back and the server ends first', async () => {
    const peers = await serve();
    const client = await open();
    client.send(close(3333, 'bye'));
    await client.ended;
    expect(client.output.close).toBe(3333);
    expect(await peers[0]!.closed).toEqual({ code: 3333, reason: 'bye', clean: true });
    expect(webSockets.size).toBe(0);
  });

  test('the server closes: what was sent leaves first, and the client answers', async () => {
    const peers = await serve({}, (peer) => {
      peer.send('last words');
      peer.close(3000, 'done');
      expect(peer.send('too late')).toBe(false);
    });
    const client = await open();
    await until(() => client.output.close === 3000, 'the Close frame');
    expect(client.output.replies).toHaveLength(1);
    expect(client.output.reason).toBe('done');
    client.send(close(3000));
    await client.ended;
    expect((await peers[0]!.closed).clean).toBe(true);
  });

  test('a client that does not answer is cut at the deadline', async () => {
    const peers = await serve({ timeouts: { closeMs: 60 } }, (peer) => peer.close());
    const client = await open();
    await client.ended;
    expect(await peers[0]!.closed).toEqual({ code: 1006, reason: '', clean: false });
  });

  test('a client that answers but does not end is cut at the deadline', async () => {
    const peers = await serve({ timeouts: { closeMs: 60 } });
    const client = await open();
    client.socket.allowHalfOpen = true;
    client.send(close(1000));
    expect((await peers[0]!.closed).clean).toBe(true);
  });

  test('a client that vanishes leaves nothing after', async () => {
    const peers = await serve();
    const client = await open();
    client.send(text('half a message', false));
    client.socket.resetAndDestroy();
    expect((await peers[0]!.closed).code).toBe(1006);
    expect(await peers[0]!.receive()).toBeNull();
    expect(await peers[0]!.drained()).toBe(false);
    expect(webSockets.size).toBe(0);
    expect(server!.connections).toBe(0);
  });

  test('1001 to all, and close waits for them', async () => {
    await serve();
    const clients = await Promise.all(Array.from({ length: 20 }, open));
    const closed = webSockets.close();
    await Promise.all(clients.map(async (client) => {
      await until(() => client.output.close === 1001, '1001');
      client.send(close(1001));
    }));
    await closed;
    expect(webSockets.size).toBe(0);
    await expect(open()).rejects.toThrow('503');
  });

  test('codes that must not be sent are refused', async () => {
    const peers = await serve();
    const client = await open();
    for (const code of [0, 999, 1004, 1005.5, 1006, 1015, 2999, 5000]) {
      expect(() => peers[0]!.close(code), String(code)).toThrow('must not be sent');
    }
    expect(() => peers[0]!.close(1000, 'x'.repeat(124))).toThrow('longer');
    expect(peers[0]!.state).toBe('open');
    client.socket.destroy();
  });
});

describe('failures', () => {
  test('a broken frame: its code, no RST although more comes', async () => {
    await serve();
    const client = await open();
    client.send({ ...text('x'), rsv: 7 });
    client.socket.write(Buffer.alloc(300_000));
    await client.ended;
    expect(client.output.close).toBe(1002);
  });

  test('an application that throws: 1011, and it is reported', async () => {
    const peers = await serve({}, (peer) => {
      peer.onMessage = () => {
        throw new Error('broken');
      };
    });
    const client = await open();
    client.send(text('x'), text('y'));
    await client.ended;
    expect(client.output.close).toBe(1011);
    expect(client.output.reason).toBe('');
    expect(errors).toHaveLength(1);
    expect((await peers[0]!.closed).code).toBe(1011);
  });

  test.each([
    ['a frame', { frameBytesMax: 1000 }, [binary(Buffer.alloc(1001))]],
    ['a message in fragments', { messageBytesMax: 1000 }, [text('x'.repeat(600), false), { opcode: 0, payload: 'x'.repeat(401) }]],
  ])('1009 for %s that is too long', async (_, limits, frames) => {
    await serve({ limits });
    const client = await open();
    client.send(...frames);
    await client.ended;
    expect(client.output.close).toBe(1009);
  });

  test('1009 as soon as a head announces too much', async () => {
    await serve();
    const client = await open();
    client.socket.write(clientFrame(binary(Buffer.alloc(2 ** 21))).subarray(0, 14));
    await client.ended;
    expect(client.output.close).toBe(1009);
  });

  test('1008 for too many fragments', async () => {
    await serve({ limits: { fragmentsMax: 10 } });
    const client = await open();
    client.send(text('', false), ...Array.from({ length: 10 }, () => ({ opcode: 0, payload: '', fin: false })));
    await client.ended;
    expect(client.output.close).toBe(1008);
  });
});

describe('heartbeat and pings', () => {
  test('a silent client is pinged, and one that answers stays', async () => {
    await serve({ timeouts: { heartbeatMs: 40, pongMs: 200 } });
    const client = await open();
    let pings = 0;
    let at = 0;
    client.socket.on('data', () => {
      for (let frame = readServerFrame(client.received, at); frame !== null; frame = readServerFrame(client.received, at)) {
        at = frame.end;
        if (frame.opcode !== 9) continue;
        pings++;
        client.send({ opcode: 10, payload: frame.payload });
      }
    });
    await until(() => pings >= 4, 'four pings');
    expect(webSockets.size).toBe(1);
    client.socket.destroy();
  });

  test('one that does not answer is cut', async () => {
    const peers = await serve({ timeouts: { heartbeatMs: 40, pongMs: 40 } });
    const client = await open();
    expect((await peers[0]!.closed).code).toBe(1006);
    await client.ended;
  });

  test('too many pings: 1008', async () => {
    await serve({ limits: { pingsPerSecondMax: 50 } });
    const client = await open();
    client.send(...Array.from({ length: 51 }, () => ping('x')));
    await client.ended;
    expect(client.output.close).toBe(1008);
    expect(client.output.replies).toHaveLength(50);
  });

  test('pongs that nobody reads are not gathered without end, and the newest ping is answered', async () => {
    let last: unknown = null;
    const peers = await serve({ limits: { pingsPerSecondMax: 1e6, pendingPongsMax: 4, bufferedBytesMax: 1e9 } }, (peer) => {
      peer.onMessage = (message) => (last = message);
    });
    const client = await open();
    await until(() => peers.length === 1, 'the peer');
    client.socket.pause();
    peers[0]!.send(Buffer.alloc(16 * 2 ** 20));
    const buffered = peers[0]!.bufferedBytes;
    client.send(...Array.from({ length: 2000 }, (_, i) => ping(`${i}`.padStart(100))), text('after them'));
    await until(() => last === 'after them', 'all pings have been read');
    expect(peers[0]!.bufferedBytes - buffered).toBeLessThan(5000);
    client.socket.resume();
    await until(() => client.received.subarray(-200).includes(' 1999'), 'the newest pong');
    expect(client.output.replies.length).toBeLessThan(20);
    client.socket.destroy();
  });
});

describe('sending and receiving', () => {
  test('frames of one turn leave in one write', async () => {
    const peers = await serve();
    const client = await open();
    const chunks: Buffer[] = [];
    client.socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await until(() => peers.length === 1, 'the peer');
    for (let i = 0; i < 50; i++) {
      if (i % 10 === 0) await null;
      peers[0]!.send(`message ${i}`);
    }
    await until(() => client.output.replies.length === 50, 'fifty messages');
    expect(chunks).toHaveLength(1);
    client.socket.destroy();
  });

  test('send says to wait above the high-water mark, and drained tells when not to', async () => {
    const peers = await serve({ limits: { highWaterBytes: 100_000 } });
    const client = await open();
    await until(() => peers.length === 1, 'the peer');
    const peer = peers[0]!;
    client.socket.pause();
    while (peer.send(Buffer.alloc(50_000)));
    // The kernel may take some of it yet, and must not come near the mark.
    while (peer.bufferedBytes < 5_000_000) expect(peer.send(Buffer.alloc(50_000))).toBe(false);
    let drained: boolean | null = null;
    void Promise.resolve(peer.drained()).then((value) => (drained = value));
    await roundTrip(port());
    while (peer.bufferedBytes < 10_000_000) peer.send(Buffer.alloc(50_000));
    await roundTrip(port());
    expect(drained).toBeNull();
    expect(peer.state).toBe('open');
    client.socket.resume();
    await until(() => drained !== null, 'drained');
    expect(drained).toBe(true);
    expect(peer.bufferedBytes).toBeLessThan(100_000);
    client.socket.destroy();
  });

  test('one that never reads is cut when too much waits', async () => {
    const peers = await serve({ limits: { bufferedBytesMax: 1_000_000 } });
    const client = await open();
    await until(() => peers.length === 1, 'the peer');
    client.socket.pause();
    const peer = peers[0]!;
    for (let i = 0; i < 10_000 && peer.state === 'open'; i++) {
      peer.send(Buffer.alloc(50_000));
      if (i % 10 === 0) await new Promise(setImmediate);
    }
    expect((await peer.closed).code).toBe(1006);
    client.socket.destroy();
  });

  test('messages wait for receive up to a limit, then reading pauses', async () => {
    const peers = await serve({ limits: { queuedMessagesMax: 10 } }, () => {});
    const client = await open();
    const message = 'x'.repeat(20_000);
    const numbers = Array.from({ length: 2000 }, (_, i) => i);
    for (const number of numbers) client.send(text(`${number} ${message}`));
    expect(await standstill(port(), () => client.socket.writableLength)).toBeGreaterThan(0);
    const received: number[] = [];
    for (const _ of numbers) received.push(parseInt(String(await peers[0]!.receive())));
    expect(received).toEqual(numbers);
    client.send(close(1000));
    expect(await peers[0]!.receive()).toBeNull();
    await client.ended;
  });

  test('iterating ends when the peer closes, with what came before', async () => {
    const messages: unknown[] = [];
    let ended = false;
    await serve({}, (peer) => {
      void (async () => {
        for await (const message of peer) messages.push(message);
        ended = true;
      })();
    });
    const client = await open();
    client.send(text('one'), binary('two'), close(1000));
    await until(() => ended, 'the end');
    expect(messages).toEqual(['one', Buffer.from('two')]);
    await client.ended;
  });

  test('pause and resume', async () => {
    const seen: unknown[] = [];
    const peers = await serve({}, (peer) => {
      peer.onMessage = (message) => {
        seen.push(message);
        if (message === 'stop') peer.pause();
      };
    });
    const client = await open();
    client.send(text('a'), text('stop'), text('b'));
    await until(() => seen.length === 2, 'stop');
    client.send(text('c'));
    await roundTrip(port());
    expect(seen).toEqual(['a', 'stop']);
    peers[0]!.resume();
    await until(() => seen.length === 4, 'the others');
    expect(seen).toEqual(['a', 'stop', 'b', 'c']);
    peers[0]!.pause();
    peers[0]!.close();
    client.send(text('d'), close(1000));
    await client.ended;
    expect((await peers[0]!.closed).clean).toBe(true);
  });

  test('bytes that come with the handshake are read', async () => {
    await serve();
    const { headOf, fieldsWith, ask } = await import('./raw-client.ts');
    const head = headOf(fieldsWith({})) + clientFrame(text('early')).toString('latin1') + clientFrame(close(1000)).toString('latin1');
    const { response, socket, rest } = await ask(server!.origin, head);
    expect(response.status).toBe(101);
    let received = rest;
    socket.on('data', (chunk: Buffer) => (received = Buffer.concat([received, chunk])));
    await until(() => received.includes('early'), 'the echo');
    socket.destroy();
  });
});

test("Node's own WebSocket", async () => {
  await serve({ deflate: true, deflateFromBytes: 10 });
  const client = new WebSocket(server!.origin.replace('http', 'ws'));
  const messages: unknown[] = [];
  client.onopen = () => {
    client.send('hello ✓');
    client.send('long and longer '.repeat(10_000));
  };
  client.onmessage = ({ data }) => {
    messages.push(data);
    if (messages.length === 2) client.close(3000, 'bye');
  };
  const closed = new Promise<CloseEvent>((resolve) => (client.onclose = resolve));
  const { code, wasClean } = await closed;
  expect(client.extensions).toContain('permessage-deflate');
  expect(messages).toEqual(['hello ✓', 'long and longer '.repeat(10_000)]);
  expect([code, wasClean]).toEqual([3000, true]);
});

describe('what one client does to the others', () => {
  test('hundreds of messages in one read do not hold up anybody else', async () => {
    const order: string[] = [];
    await serve({ deflate: true }, (peer) => {
      peer.onMessage = (message) => {
        order.push(typeof message === 'string' ? message : 'bomb');
        if (order.length === 1) quick.send(text('quick'));
      };
    });
    const quick = await open();
    const busy = await RawClient.open(server!.origin, { 'Sec-WebSocket-Extensions': 'permessage-deflate' });
    const bomb = deflateRawSync(Buffer.alloc(1024 * 1024), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    const bombs = Array.from({ length: 40 }, () => clientFrame({ opcode: 2, payload: bomb, rsv: 4 }));
    busy.socket.write(Buffer.concat(bombs));
    await until(() => order.length === 41, 'all messages');
    expect(order.indexOf('quick')).toBeLessThan(20);
    quick.socket.destroy();
    busy.socket.destroy();
  });

  test('nor where an application asks for them one by one', async () => {
    const order: string[] = [];
    await serve({ deflate: true }, (peer) => {
      void (async () => {
        for await (const message of peer) {
          order.push(typeof message === 'string' ? message : 'bomb');
          if (order.length === 1) quick.send(text('quick'));
        }
      })();
    });
    const quick = await open();
    const busy = await RawClient.open(server!.origin, { 'Sec-WebSocket-Extensions': 'permessage-deflate' });
    const bomb = deflateRawSync(Buffer.alloc(1024 * 1024), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    busy.socket.write(Buffer.concat(Array.from({ length: 40 }, () => clientFrame({ opcode: 2, payload: bomb, rsv: 4 }))));
    await until(() => order.length === 41, 'all messages');
    expect(order.indexOf('quick')).toBeLessThan(20);
    quick.socket.destroy();
    busy.socket.destroy();
  });
});

describe('our own limit', () => {
  test('one message may be longer than what may wait', async () => {
    const peers = await serve({ limits: { bufferedBytesMax: 1_000_000 } }, () => {});
    const client = await open();
    await until(() => peers.length === 1, 'the peer');
    const message = Buffer.alloc(20_000_000, 'x');
    if (!peers[0]!.send(message)) expect(await peers[0]!.drained()).toBe(true);
    await until(() => client.received.length >= message.length + 10, 'the whole message');
    expect(readServerFrame(client.received, 0)!.payload.equals(message)).toBe(true);
    expect(peers[0]!.state).toBe('open');
    expect(errors).toEqual([]);
    client.socket.destroy();
  });

  test('the person who runs the server is told when the cut was ours', async () => {
    const peers = await serve({ limits: { bufferedBytesMax: 1_000_000 } }, () => {});
    const client = await open();
    await until(() => peers.length === 1, 'the peer');
    client.socket.pause();
    for (let sent = 0; sent < 1000 && peers[0]!.state === 'open'; sent++) peers[0]!.send(Buffer.alloc(100_000));
    expect((await peers[0]!.closed).code).toBe(1006);
    expect(errors.map(String)).toEqual([expect.stringContaining('await drained()')]);
    client.socket.destroy();
  });

  test('slices keep everything in its order, and a Close frame comes last', async () => {
    const peers = await serve({}, () => {});
    const client = await open();
    await until(() => peers.length === 1, 'the peer');
    const sizes = [10, 70_000, 65_536, 65_537, 200_001, 1, 0, 131_072, 300, 3_000_000, 5];
    for (const [index, size] of sizes.entries()) peers[0]!.send(Buffer.alloc(size, index));
    peers[0]!.close(3000);
    await until(() => client.output.close === 3000, 'the Close frame');
    let at = 0;
    for (const [index, size] of sizes.entries()) {
      const frame = readServerFrame(client.received, at)!;
      expect(frame.payload.equals(Buffer.alloc(size, index))).toBe(true);
      at = frame.end;
    }
    client.send(close(3000));
    await client.ended;
  });
});

test('a client that ends its side before its WebSocket is open has gone when it is', async () => {
  const peers: WebSocketPeer[] = [];
  webSockets = new WebSockets({ timeouts: { heartbeatMs: 1e9 } });
  const decided = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  server = await serveHttp(async (request) => {
    const offer = webSockets.readOffer(request);
    asked.resolve();
    await decided.promise;
    return webSockets.accept(offer, {}, (peer) => peers.push(peer));
  });
  const client = open();
  await asked.promise;
  const socket = connect(port(), '127.0.0.1');
  socket.on('error', () => {}).resume();
  socket.end(Buffer.concat([Buffer.from(headOf(fieldsWith({}))), clientFrame(text('last words'))]));
  await until(() => server!.connections === 2, 'both connections');
  await roundTrip(port());
  decided.resolve();
  await until(() => peers.length === 2, 'both WebSockets');
  const gone = await Promise.race(peers.map(async (peer) => await peer.closed.then(() => peer)));
  expect((await gone.closed).code).toBe(1006);
  expect(await gone.receive()).toBe('last words');
  expect(webSockets.size).toBe(1);
  (await client).socket.destroy();
});

test('our own client reads what came with the handshake, though the server has ended already', async () => {
  await serve({}, () => {});
  const frames = Buffer.from([0x81, 2, 0x68, 0x69, 0x88, 2, 0x0b, 0xb8]);
  const raw = createServer((socket) => {
    socket.on('error', () => {}).once('data', (chunk) => {
      const key = /sec-websocket-key: (\S+)/i.exec(chunk.toString())![1]!;
      const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(key)}\r\n\r\n`;
      socket.end(Buffer.concat([Buffer.from(head), frames]));
    });
  });
  await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
  const peer = await connectWebSocket(`ws://127.0.0.1:${(raw.address() as AddressInfo).port}/`);
  expect(await peer.receive()).toBe('hi');
  expect(await peer.receive()).toBeNull();
  expect((await peer.closed).code).toBe(3000);
  raw.close();
});
