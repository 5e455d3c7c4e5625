/**
 * Everything that a connection goes through before there is a request on it.
 */

import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import * as tls from 'node:tls';
import type { SecureContext, SecureContextOptions } from 'node:tls';

import { reportDetached, startDeadline } from '../01-echo/index.ts';
import type { Endpoint } from '../06-websocket/index.ts';
import type { Certificates } from './certificates.ts';
import { UNKNOWN } from './client-address.ts';
import type { TrustedProxies } from './client-address.ts';
import { clientKey, OpenCounts } from './limits.ts';
import type { Metrics } from './metrics.ts';
import { ProxyHeaderReader } from './proxy-header.ts';
import type { ProxyHeader } from './proxy-header.ts';
import type { LogEntry } from './requests.ts';
import type { Settings } from './settings.ts';
import { SlowReaders } from './time.ts';

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
  readonly #options: FrontOptions;
  #tls: tls.Server | null = null;
  readonly #open = new Set<Socket>();
  readonly #counts: OpenCounts;
  readonly #readers: SlowReaders;

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#counts = new OpenCounts(options.settings.connectionsPerClientMax);
    this.#readers = slowReaders(options);
  }

  /**
   * A server whose connections come through here. There may be one with certificates, and others without.
   *
   * @param onConnection gets each connection that is ready for requests
   * @param certificates `null` for a server without TLS
   */
  server(onConnection: (socket: Socket) => void, certificates: Certificates | null): Server {
    const options = this.#options;
    const ready = (socket: Socket): void => {
      this.#readers.add(socket);
      onConnection(socket);
    };
    const handshakes = certificates === null ? null : secured(ready, options, certificates);
    this.#tls = handshakes ?? this.#tls;
    // Half-open: a client may end its side and still wait for the answer.
    return createServer({ allowHalfOpen: true }, (socket) => {
      // There is nothing to do about an error, since `close` follows it.
      socket.on('error', () => undefined).once('close', () => this.#open.delete(socket));
      if (this.#open.size >= options.settings.connectionsMax) {
        options.metrics.refused('too many connections');
        socket.destroy();
        return;
      }
      this.#open.add(socket);
      const enter = (): void => {
        if (!this.#hasRoomFor(socket)) {
          options.metrics.refused('too many of one client');
          socket.destroy();
          return;
        }
        if (handshakes !== null) handshakes.emit('connection', socket);
        else ready(socket);
        // It may have been paused. The handshake does not mind, and takes what is there by itself.
        if (handshakes === null) socket.resume();
      };
      // A stranger's header is left where it is, and refused as what it is then: a bad request.
      if (options.settings.proxyProtocol === 'on' && options.proxies.has(socket.remoteAddress ?? null)) readHeader(socket, options, enter);
      else enter();
    });
  }

  /** Whether the client may have one more connection. Those that come through a proxy have all the same address. */
  #hasRoomFor(socket: Socket): boolean {
    const { remoteAddress = null } = socket;
    if (remoteAddress === null || this.#options.proxies.has(remoteAddress)) return true;
    const key = clientKey(remoteAddress);
    if (!this.#counts.enter(key)) return false;
    socket.once('close', () => this.#counts.leave(key));
    return true;
  }

  /** From now on clients that name no host that is known get this certificate. Connections that are secured stay as they are. */
  setFirst(certificate: SecureContextOptions): void {
    this.#tls?.setSecureContext(certificate);
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#open.size;
  }

  /** Hangs up on everyone: also on those who have not come as far as a request. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }
}

/** Makes the server that takes connections through the handshake; `emit('connection', socket)` gives it one. */
function secured(onConnection: (socket: Socket) => void, { settings, certificateFor, metrics, log }: FrontOptions, certificates: Certificates): tls.Server {
  const choose = async (name: string): Promise<SecureContext | undefined> => (await certificateFor?.(name)) ?? certificates.find(name);
  const server = tls.createServer({
    ...certificates.first,
    allowHalfOpen: true,
    // A message for another protocol's server must not end up here (ALPACA).
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: settings.handshakeMs,
    // Whatever it throws is this client's problem, and nobody else's.
    SNICallback: (name, done) => {
      choose(name).then((context) => done(null, context), (error: unknown) => done(error as Error)).catch(reportDetached);
    },
  }, (socket) => {
    const raw = socketBelow(socket);
    if (raw && Object.hasOwn(raw, 'remoteAddress')) nameClient(socket, { address: raw.remoteAddress!, port: raw.remotePort! });
    onConnection(socket);
  });
  return server.on('tlsClientError', ({ message }, socket) => {
    metrics.refused('no handshake');
    log({ event: 'no handshake', client: socket.remoteAddress ?? null, reason: message });
    // If time is up, nobody else does.
    socket.destroy();
  });
}

/** The socket that a secured one is made of; none for one that is not secured. */
function socketBelow(socket: Socket): Socket | null {
  // Node has no public name for it.
  const { _parent: raw } = socket as unknown as { readonly _parent?: Socket | null };
  return raw ?? null;
}

/** Cuts those that take a response too slowly. */
function slowReaders({ settings, metrics, log }: FrontOptions): SlowReaders {
  const { sendBytesPerSecondMin: bytesPerSecondMin, sendMs: slackMs } = settings;
  return new SlowReaders({ bytesPerSecondMin, slackMs }, (socket) => {
    const { remoteAddress: client = null, bytesWritten, writableLength } = socket;
    metrics.tooSlow++;
    log({ event: 'too slow', client, reason: 'it takes the response too slowly', takenBytes: bytesWritten - writableLength });
    reset(socketBelow(socket) ?? socket);
  });
}

/** Otherwise the kernel goes on keeping, for minutes, what the client does not take. */
function reset(socket: Socket): void {
  try {
    socket.resetAndDestroy();
  } catch {
    // A Unix domain socket has no reset.
    socket.destroy();
  }
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
