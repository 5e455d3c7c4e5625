/**
 * Everything that a connection goes through before there is a request on it.
 */

import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import * as tls from 'node:tls';
import type { SecureContext } from 'node:tls';

import { reportDetached } from '../01-echo/index.ts';
import type { Certificates } from './certificates.ts';
import type { Settings } from './settings.ts';

/** Gives the certificate for a name instead of those in files; nothing for a name that is not its business. */
export type CertificateFor = (name: string) => SecureContext | undefined | Promise<SecureContext | undefined>;

export interface FrontOptions {
  readonly settings: Settings;
  /** `null` for a server without TLS. */
  readonly certificates: Certificates | null;
  readonly certificateFor?: CertificateFor;
  /** Is told, in a line, why a client was not let in. */
  readonly log: (line: string) => void;
}

/** The server that accepts, and what it does with a connection until that is ready for requests. */
export class Front {
  readonly server: Server;
  readonly #options: FrontOptions;
  readonly #tls: tls.Server | null;
  readonly #open = new Set<Socket>();

  /** @param onConnection gets each connection that is ready for requests */
  constructor(onConnection: (socket: Socket) => void, options: FrontOptions) {
    this.#options = options;
    this.#tls = options.certificates === null ? null : secured(onConnection, options, options.certificates);
    // Half-open: a client may end its side and still wait for the answer.
    this.server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#open.add(socket);
      // There is nothing to do about an error, since `close` follows it.
      socket.on('error', () => undefined).once('close', () => this.#open.delete(socket));
      if (this.#tls === null) onConnection(socket);
      else this.#tls.emit('connection', socket);
    });
  }

  /** Reads the certificates again. Connections that are secured already stay as they are. @throws CertificateError */
  reload(): void {
    this.#options.certificates?.reload();
    if (this.#options.certificates !== null) this.#tls?.setSecureContext(this.#options.certificates.first);
  }

  /** Hangs up on everyone: also on those who have not come as far as a request. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }
}

/** Makes the server that takes connections through the handshake; `emit('connection', socket)` gives it one. */
function secured(onConnection: (socket: Socket) => void, { settings, certificateFor, log }: FrontOptions, certificates: Certificates): tls.Server {
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
  }, onConnection);
  return server.on('tlsClientError', ({ message }, socket) => {
    log(`no handshake with ${socket.remoteAddress ?? 'a client'}: ${message}`);
    // If time is up, nobody else does.
    socket.destroy();
  });
}
