/** WebSockets without an application: each is held under a name, and does what the test tells it. */
import type { AddressInfo } from 'node:net';
import type * as Http from '#subject/02-http/index.ts';
import type * as Chapter from '#subject/06-websocket/index.ts';
import type { LoadChapter } from '#support/driver.ts';
import type { Address } from '#support/tcp-client.ts';
import type { Stage } from './stage.ts';

export type PeerSetup = Pick<Chapter.WebSocketsOptions, 'limits' | 'timeouts'>;

export function peerCalls({ chapter, probe, report }: Stage, load: LoadChapter) {
  const peers = new Map<string, Chapter.WebSocketPeer>();
  let host: Chapter.WebSockets | null = null;

  function peer(who: string): Chapter.WebSocketPeer {
    const found = peers.get(who);
    if (found === undefined) throw new Error(`there is no WebSocket ${who}`);
    return found;
  }

  return {
    /** What comes after the `?` of its target tells one WebSocket from another. That it is open is noted. */
    servePeers: async (setup: PeerSetup = {}): Promise<Address> => {
      const http = (await load('02-http')) as typeof Http;
      const webSockets = new chapter.WebSockets({ ...setup, onError: (error) => report(error) });
      host = webSockets;
      const server = await http.serveHttp((request) => webSockets.accept(webSockets.readOffer(request), {}, (opened) => {
        const [, who = ''] = request.target.split('?');
        peers.set(who, opened);
        probe.note(`${who}: open`);
      }), { host: '127.0.0.1', port: 0, onError: () => {} });
      return { host: '127.0.0.1', port: (server.address as AddressInfo).port };
    },

    /** How many WebSockets the host counts that serves last. */
    peersOpen: (): number => host?.size ?? 0,
    /** Closes all of that host; `all closed` is noted when none is left. */
    closePeers: (): void => void host?.close().then(() => probe.note('all closed')),

    peerState: (who: string): Chapter.WebSocketPeer['state'] => peer(who).state,
    /** Notes that it asks, and waits for the end. */
    peerClosed: async (who: string): Promise<Chapter.WebSocketClosure> => {
      const { closed } = peer(who);
      probe.note(`${who}: asks for closed`);
      return await closed;
    },
    peerClose: (who: string, code: number): void => peer(who).close(code),
    peerPause: (who: string): void => peer(who).pause(),
    peerResume: (who: string): void => peer(who).resume(),
    peerDestroy: (who: string): void => peer(who).destroy(),
    /** Whatever comes, and what waits already, is noted. */
    peerListens: (who: string): void => {
      peer(who).onMessage = (message) => probe.note(`${who}: message ${message}`);
    },
    peerReceive: async (who: string): Promise<string> => String(await peer(who).receive()),
    /** Whatever comes, and what waits already, is thrown back. */
    peerThrows: (who: string, message: string): void => {
      peer(who).onMessage = () => {
        throw new Error(message);
      };
    },
    /** Sends this many messages of this many bytes in one turn. */
    peerFills: (who: string, count: number, bytes: number): void => {
      const message = Buffer.alloc(bytes);
      for (let sent = 0; sent < count; sent++) peer(who).send(message);
    },
    /** Notes that it asks, and waits for the answer. */
    peerDrained: async (who: string): Promise<boolean> => {
      const drained = peer(who).drained();
      probe.note(`${who}: asks for drained`);
      return await drained;
    },
  };
}
