import { afterEach, expect, test, vi } from 'vitest';

import { serveHttp } from '../../../solutions/02-http/index.ts';
import type { HttpServer } from '../../../solutions/02-http/index.ts';
import { connectWebSocket, Room, WebSockets } from '../../../solutions/06-websocket/index.ts';
import type { ConnectOptions, RoomOptions, WebSocketPeer } from '../../../solutions/06-websocket/index.ts';
import { until } from './waiting.ts';

let server: HttpServer | undefined;

async function serveRoom(options: RoomOptions<string> = {}): Promise<Room> {
  const room = new Room<string>(options);
  const webSockets = new WebSockets({ deflate: true });
  let count = 0;
  server = await serveHttp((request) => webSockets.accept(webSockets.readOffer(request), {}, (peer) => {
    room.join(peer, `member ${++count}`);
  }));
  return room;
}

afterEach(async () => {
  await server?.close();
  server = undefined;
});

const open = (options: ConnectOptions = {}): Promise<WebSocketPeer> =>
  connectWebSocket(server!.origin.replace('http', 'ws'), options);

test('a broadcast reaches all, with and without deflate and with every window', async () => {
  const room = await serveRoom();
  const options: ConnectOptions[] = [
    {}, { deflate: true }, { deflate: true }, { deflate: { serverNoContextTakeover: true } },
    { deflate: { serverMaxWindowBits: 9 } }, { deflate: { serverMaxWindowBits: 8 } },
  ];
  const peers = await Promise.all(options.map(open));
  await until(() => room.size === peers.length, 'all members');
  const message = JSON.stringify(Array.from({ length: 100 }, (_, i) => ({ id: i, text: 'hello room' })));
  for (let i = 0; i < 5; i++) {
    expect(room.broadcast(`${i}${message}`)).toBe(peers.length);
    for (const peer of peers) expect(await peer.receive()).toBe(`${i}${message}`);
  }
  room.broadcast(Buffer.from('bytes'));
  for (const peer of peers) {
    expect(await peer.receive()).toEqual(Buffer.from('bytes'));
    peer.close();
  }
  await Promise.all(peers.map((peer) => peer.closed));
});

test('presence: who is there, who has come and who has gone', async () => {
  const told: string[] = [];
  const room = await serveRoom({
    onJoin: (presence) => told.push(`+${presence} of ${room.size}`),
    onLeave: (presence) => told.push(`-${presence} of ${room.size}`),
  });
  const first = await open();
  const second = await open();
  await until(() => room.size === 2, 'two members');
  expect(room.presences()).toEqual(['member 1', 'member 2']);
  first.destroy();
  await until(() => room.size === 1, 'one member');
  expect(room.presences()).toEqual(['member 2']);
  expect(told).toEqual(['+member 1 of 1', '+member 2 of 2', '-member 1 of 1']);
  second.close();
  await second.closed;
});

test.each(['drop', 'close'] as const)('a slow reader: %s; the others miss nothing', async (slowReaders) => {
  const left: string[] = [];
  const room = await serveRoom({ slowReaders, bufferedBytesMax: 200_000, onLeave: (presence) => left.push(presence) });
  const slow = await open();
  await until(() => room.size === 1, 'the slow one');
  const quick = await open();
  await until(() => room.size === 2, 'both');
  let heard = 0;
  quick.onMessage = () => heard++;
  slow.pause();
  const message = Buffer.alloc(50_000, 'x');
  let sent = 0;
  for (; sent < 1000 && room.broadcast(message) === 2; sent++) await new Promise(setImmediate);
  expect(sent).toBeLessThan(1000);
  await until(() => heard === sent + 1, 'the quick one has heard all');
  if (slowReaders === 'drop') {
    expect(left).toEqual([]);
    slow.resume();
    let slowHeard = 0;
    slow.onMessage = () => slowHeard++;
    await until(() => slowHeard === sent, 'the slow one has heard what it was sent');
    expect(room.broadcast('again')).toBe(2);
  } else {
    expect(left).toEqual(['member 1']);
    slow.onMessage = () => {};
    slow.resume();
    expect((await slow.closed).code).toBe(1013);
  }
  slow.destroy();
  quick.destroy();
});

test('what onLeave throws ends neither the process nor another leaving', async () => {
  const left: string[] = [];
  const room = await serveRoom({
    onLeave: (presence) => {
      left.push(presence);
      throw new Error('a fault of the application');
    },
  });
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  const told = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  try {
    const peers = await Promise.all([open(), open(), open()]);
    await until(() => room.size === peers.length, 'all members');
    for (const peer of peers) peer.destroy();
    await until(() => room.size === 0 && told.mock.calls.length === peers.length, 'all gone, and each fault told of');
    expect(left).toHaveLength(3);
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', note);
    told.mockRestore();
  }
});

test('a WebSocket that was cut is not open any more, before its socket tells', async () => {
  const room = await serveRoom();
  let cut: WebSocketPeer | undefined;
  const webSockets = new WebSockets();
  await server?.close();
  server = await serveHttp((request) => webSockets.accept(webSockets.readOffer(request), {}, (peer) => {
    room.join(peer, 'member');
    cut = peer;
  }));
  await open();
  await until(() => cut !== undefined, 'a member');
  cut!.destroy();
  expect(cut!.state).toBe('closing');
  expect(room.broadcast('hello')).toBe(0);
  await cut!.closed;
  expect(cut!.state).toBe('closed');
});
