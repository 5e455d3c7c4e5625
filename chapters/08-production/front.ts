/**
 * Everything that a connection goes through before there is a request on it.
 */

import type { Server, Socket } from 'node:net';
import type { SecureContext, SecureContextOptions } from 'node:tls';

import { startDeadline } from '../01-echo/index.ts';
import type { Endpoint } from '../06-websocket/index.ts';
import { NotImplemented } from '#course/not-implemented.ts';
import type { Certificates } from './certificates.ts';
import { UNKNOWN } from './client-address.ts';
import type { TrustedProxies } from './client-address.ts';
import type { Metrics } from './metrics.ts';
import { ProxyHeaderReader } from './proxy-header.ts';
import type { ProxyHeader } from './proxy-header.ts';
import type { LogEntry } from './requests.ts';
import type { Settings } from './settings.ts';

/** Gives the certificate for a name instead of those in files; nothing for a name that is not its business. */
export type CertificateFor = (name: string) => SecureContext | undefined | Promise<SecureContext | undefined>;

export interface FrontOptions {
  readonly settings: Settings;
  readonly certificateFor?: CertificateFor;
  readonly proxies: TrustedProxies;
  readonly metrics: Metrics;
  /** Is told why a client was not let in, or was cut. */
  readonly log: (entry: LogEntry) => void;
}

/** What is done with a connection until it is ready for requests. All servers of a front share its limits. */
export class Front {
  // Everything in here is yours. It grows with the exercises.

  // TODO 8.1  A server hands on its connections as they are, or, with certificates, once they are secured. The handshake has
  //           `handshakeMs`, and the client gets the certificate for the name that it asks for: `certificateFor` is asked
  //           first, then `certificates`. Whatever goes wrong in a handshake ends that connection, and nothing else, with a
  //           line in the log that has `event`, `client` (the address) and `reason`. The protocol is agreed on, so that a
  //           message for another protocol's server is not taken (ALPN: `http/1.1`). A client may end its side and still wait
  //           for the answer (`allowHalfOpen`). A connection is open, and can be cut, from its first moment.

  // TODO 8.2  Connections that are ready for requests are watched (`SlowReaders`), with `sendBytesPerSecondMin` and `sendMs`. One
  //           that is too slow gets a line in the log, with `event`, `client` and `reason`, and is cut. The kernel must not go
  //           on keeping for minutes what the client does not take: it is a reset, and over TLS one of the socket below.
  //           A Unix domain socket has none, and is just closed.

  // TODO 8.3  A connection beyond `connectionsMax` is closed at once. One client (`clientKey`) has no more than
  //           `connectionsPerClientMax`; a trusted proxy is not a client. With `proxyProtocol` on, connections of trusted
  //           proxies begin with a PROXY header, before TLS and before anything else (`readHeader`): from then on, the client
  //           is the one that the header names, and its connections are counted as its own. The secured socket is told, too
  //           (`nameClient`).

  // TODO 8.5  Those that were not let in are counted by why (`metrics.refused`), and those that were cut (`metrics.tooSlow`).

  constructor(options: FrontOptions) {
    throw new NotImplemented('8.1');
  }

  /**
   * A server whose connections come through here. There may be one with certificates, and others without.
   *
   * @param onConnection gets each connection that is ready for requests
   * @param certificates `null` for a server without TLS
   */
  server(onConnection: (socket: Socket) => void, certificates: Certificates | null): Server {
    throw new NotImplemented('8.1');
  }

  /** From now on clients that name no host that is known get this certificate. Connections that are secured stay as they are. */
  setFirst(certificate: SecureContextOptions): void {
    throw new NotImplemented('8.1');
  }

  /** How many connections are open. */
  get connections(): number {
    throw new NotImplemented('8.1');
  }

  /** Hangs up on everyone: also on those who have not come as far as a request. */
  cut(): void {
    throw new NotImplemented('8.1');
  }
}

/** The socket that a secured one is made of; none for one that is not secured. */
function socketBelow(socket: Socket): Socket | null {
  // Node has no public name for it.
  const { _parent: raw } = socket as unknown as { readonly _parent?: Socket | null };
  return raw ?? null;
}

/** Reads the PROXY header of a connection. What comes after it is left for the next one who reads. */
function readHeader(socket: Socket, { settings, metrics, log }: FrontOptions, enter: () => void): void {
  const reader = new ProxyHeaderReader();
  const refuse = (reason: string): void => {
    metrics.refused('no PROXY header');
    log({ event: 'no PROXY header', client: socket.remoteAddress ?? null, reason });
    socket.destroy();
  };
  const deadline = startDeadline(() => refuse('it took too long'), settings.handshakeMs);
  const over = (): void => {
    deadline.clear();
    socket.off('data', onData).off('end', onEnd).off('close', over);
  };
  const onEnd = (): void => refuse('the connection has ended');
  const onData = (chunk: Buffer): void => {
    let header: ProxyHeader | null;
    try {
      header = reader.receive(chunk);
    } catch (error) {
      refuse((error as Error).message);
      return;
    }
    if (header === null) return;
    over();
    socket.pause();
    if (header.rest.length > 0) socket.unshift(header.rest);
    // Without an address, the proxy is not the client, and must not be trusted as if it had come by itself.
    nameClient(socket, header.client ?? { address: UNKNOWN, port: 0 });
    enter();
  };
  socket.on('data', onData).on('end', onEnd).on('close', over);
}

/** From now on the socket's other end is this client. */
function nameClient(socket: Socket, { address, port }: Endpoint): void {
  Object.defineProperties(socket, { remoteAddress: { value: address }, remotePort: { value: port } });
}
