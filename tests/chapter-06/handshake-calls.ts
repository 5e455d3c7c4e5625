/** Servers of the opening handshake: what comes after a 101 is sent back as it is, for there are no frames yet. */
import type { Socket } from 'node:net';
import type * as Http from '#subject/02-http/index.ts';
import type * as WebSocket from '#subject/06-websocket/index.ts';
import type { LoadChapter } from '#support/driver.ts';
import type { Address } from '#support/tcp-client.ts';
import type { Stage } from './stage.ts';

export interface HandshakeSetup {
  /** Those whose pages may come in; all of them, if it is absent. */
  origins?: readonly string[];
  /** What the server speaks, best first. */
  subprotocols?: readonly string[];
  /** The subprotocol that it takes whatever is offered. */
  insists?: string;
}

/** What was read of a handshake. The 101 tells it as JSON in X-Offer, which none but these tests ask for. */
export interface TellsOffer {
  subprotocols: readonly string[];
  origin: string | null;
  extensions: readonly unknown[];
}

export function handshakeCalls(stage: Stage, load: LoadChapter) {
  const { chapter } = stage;
  return {
    /** Every path is a WebSocket's, but /plain. */
    serveHandshakes: async ({ origins, subprotocols = [], insists }: HandshakeSetup = {}): Promise<Address> => {
      const http = (await load('02-http')) as typeof Http;
      const webSockets = new chapter.WebSockets({ origins: origins ?? null });
      const server = await http.serveHttp((request) => {
        if (request.path === '/plain') return http.HttpResponse.text('plain');
        const offer = webSockets.readOffer(request);
        const subprotocol = insists ?? chapter.chooseSubprotocol(offer, subprotocols);
        const told: TellsOffer = { subprotocols: offer.subprotocols, origin: offer.origin ?? null, extensions: offer.extensions };
        const { headers } = chapter.acceptHandshake(offer, { subprotocol, headers: [['X-Offer', JSON.stringify(told)]] }, null);
        return http.HttpResponse.switchingProtocols(headers, sendBack);
      }, { host: '127.0.0.1', port: 0, onError: () => {} });
      return { host: '127.0.0.1', port: (server.address as { port: number }).port };
    },

    /** An application decides: by its path it accepts, refuses, or answers in its own words. */
    serveDecisions: async (): Promise<Address> => {
      const app: WebSocket.AsyncApp = async (scope, receive, send) => {
        if (scope.type === 'http') {
          await send({ type: 'http.response.start', status: 200, headers: [] });
          await send({ type: 'http.response.body', body: Buffer.from('plain') });
          return;
        }
        if (scope.type !== 'websocket') throw new chapter.UnknownScopeError(scope.type);
        await receive();
        if (scope.path === '/refuse') {
          await send({ type: 'websocket.close' });
        } else if (scope.path === '/deny') {
          await send({ type: 'websocket.http.response.start', status: 401, headers: [['WWW-Authenticate', 'Basic realm="chat"']] });
          await send({ type: 'websocket.http.response.body', body: Buffer.from('who are you?') });
        } else {
          const [subprotocol] = scope.subprotocols;
          await send({ type: 'websocket.accept', ...(subprotocol === undefined ? {} : { subprotocol }) });
          await receive();
        }
      };
      return await stage.serve(app);
    },
  };
}

function sendBack(socket: Socket, head: Buffer): void {
  socket.on('error', () => {});
  socket.write(head);
  socket.pipe(socket);
}
