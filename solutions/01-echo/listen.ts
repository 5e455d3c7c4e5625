/**
 * Binding a server to an address, as a promise and with errors that you can act on.
 */
import type { AddressInfo, Server } from 'node:net';

/** Where to listen. */
export interface ListenAddress {
  /** An address of this machine. Default `127.0.0.1`: reachable from here only. */
  host?: string;
  /** 0 to 65535; 0 lets the kernel choose a free one. Default 0. */
  port?: number;
  /** Connections that may wait for `accept`. Default 511; the kernel caps it at `net.core.somaxconn`. */
  backlog?: number;
}

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use: stop the program that has it, or choose another port',
  EADDRNOTAVAIL: 'is not an address of this machine',
  EACCES: 'needs more rights: ports below 1024 are often reserved; choose a higher one',
  ENOTFOUND: 'cannot be resolved to an address',
};

/**
 * Starts listening and resolves, once connections are accepted, to the address
 * that was bound, with the port that the kernel chose when `port` was 0.
 *
 * @throws an `Error` with `code` (`EADDRINUSE`, `EACCES`, …), `cause`, and a
 *   message that says what to do.
 */
export function listen(server: Server, address: ListenAddress = {}): Promise<AddressInfo> {
  const { host = '127.0.0.1', port = 0, backlog = 511 } = address;
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException) => {
      const advice = ADVICE[cause.code ?? ''] ?? `cannot be listened on: ${cause.message}`;
      const error = new Error(`${host} port ${port} ${advice}`, { cause });
      reject(Object.assign(error, { code: cause.code }));
    };
    server.once('error', onError);
    server.listen({ host, port, backlog }, () => {
      server.off('error', onError);
      resolve(server.address() as AddressInfo);
    });
  });
}
