/**
 * A WebSocket client: chapter 02's HttpConnection and ours, both in the role of the client, on one socket.
 */

import { connect } from 'node:net';
import type { Socket } from 'node:net';

import { startDeadline } from '../01-echo/index.ts';
import { HttpConnection } from '../02-http/index.ts';
import type { HeaderPair } from '../02-http/index.ts';
import { freshHandshakeKey, handshakeRequest, readAcceptance } from './client-handshake.ts';
import type { ClientHandshake } from './client-handshake.ts';
import { defaultDeflateParameters } from './deflate-parameters.ts';
import type { DeflateParameters } from './deflate-parameters.ts';
import { SessionGroup } from './session-group.ts';
import type { SessionGroupOptions } from './session-group.ts';
import { WebSocketConnection } from './websocket-connection.ts';
import { WebSocketError } from './websocket-error.ts';
import { WebSocketSession } from './websocket-session.ts';
import { OpenWebSocket } from './websocket.ts';
import type { WebSocketPeer } from './websocket-types.ts';

export interface ConnectOptions extends SessionGroupOptions {
  readonly subprotocols?: readonly string[];
  /** Offer permessage-deflate. Default false. */
  readonly deflate?: boolean | Partial<DeflateParameters>;
  /** More fields for the request. */
  readonly headers?: readonly HeaderPair[];
  /** For the whole of the handshake. Default 10,000. */
  readonly handshakeMs?: number;
}

/**
 * Opens a WebSocket.
 *
 * @param url `ws://host:port/path`
 * @throws WebSocketError for a server that does not accept it; Error with a `code` for one that cannot be reached
 */
export async function connectWebSocket(url: string, options: ConnectOptions = {}): Promise<WebSocketPeer> {
  const { protocol, hostname, port, host, pathname, search } = new URL(url);
  if (protocol !== 'ws:') throw new TypeError('the URL must begin with ws:');
  const { deflate = false, subprotocols = [], headers = [] } = options;
  const handshake: ClientHandshake = {
    authority: host,
    target: pathname + search,
    key: freshHandshakeKey(),
    subprotocols,
    deflate: deflate === false ? null : { ...defaultDeflateParameters, ...(deflate === true ? {} : deflate) },
    headers,
  };
  const group = new SessionGroup(options);
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) });
  const late = (): void => void socket.destroy(new WebSocketError(1002, 'the handshake took too long'));
  const deadline = startDeadline(late, options.handshakeMs ?? 10_000);
  try {
    return await openOn(socket, handshake, group);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    deadline.clear();
  }
}

function openOn(socket: Socket, handshake: ClientHandshake, group: SessionGroup): Promise<WebSocketPeer> {
  return new Promise((resolve, reject) => {
    const http = new HttpConnection({ role: 'client' });
    socket.write(http.send(handshakeRequest(handshake)), 'latin1');
    http.send({ type: 'end' });
    socket.on('error', reject);
    socket.on('close', () => reject(new WebSocketError(1002, 'the connection ended during the handshake')));
    socket.on('data', (chunk: Buffer) => {
      try {
        http.receiveData(chunk);
        const event = http.nextEvent();
        if (event.type !== 'informational' && event.type !== 'response') return;
        if (event.status !== 101 && event.type === 'informational') return;
        const { subprotocol, deflate } = readAcceptance(event, handshake);
        socket.removeAllListeners();
        const machine = new WebSocketConnection({ role: 'client', limits: group.limits, deflate });
        const session = new WebSocketSession(socket, machine, group);
        resolve(new OpenWebSocket(session, subprotocol));
        const head = http.takeInput();
        // At once, before the socket can report its end. A message waits in the inbox until somebody asks for it.
        if (head.length > 0) session.receiveData(head);
      } catch (error) {
        reject(error);
      }
    });
  });
}
