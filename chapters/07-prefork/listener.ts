/**
 * The socket that all workers share: what was typed, what is bound, what was handed over by somebody else.
 *
 * The master binds it, hands its descriptor to each worker, and never accepts. So it outlives every worker: while they
 * die and are replaced, clients wait in its queue, which is there as soon as the first worker has listened.
 */

import * as net from 'node:net';

import { isSuccessor, LISTEN_FD } from './child.ts';
import { NotImplemented } from '#course/not-implemented.ts';

export type Bind =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'fd'; readonly fd: number };

export interface Listener {
  readonly fd: number;
  /** `http://127.0.0.1:8000`, `unix:/path`. */
  readonly address: string;
  /** Lets go of it. `remove`: of the name of a Unix domain socket, too. */
  close(options: { readonly remove: boolean }): void;
}

/** What this needs of Node's own class for sockets, which has no public name. */
interface Handle {
  readonly fd: number;
  /** Only a TCP socket has it. */
  getsockname?(out: { address?: string; family?: string; port?: number }): number;
  close(): void;
}

// region parse
/**
 * Parses `127.0.0.1:8000`, `[::1]:8000`, `unix:/run/app.sock`, `fd://3`. A port alone (`:8000`) is one of all addresses.
 *
 * @throws SettingsError that says what is allowed
 */
export function parseBind(text: string): Bind {
  // TODO 7.1  The whole text must be right: a port has at most five digits, and is at most 65,535; only an IPv6 address is
  //           in brackets, and it must be one; a host has no colon, and none of the characters that separate parts of a
  //           URL; a descriptor is at least LISTEN_FD. The host of a port alone is `::`. Everything else is a SettingsError;
  //           its `setting` is `bind`.
  throw new NotImplemented('7.1');
}
// endregion

export interface OpenOptions {
  /** How often to try while the address is in use. */
  readonly tries?: number;
  /** Between two tries, in milliseconds. */
  readonly waitMs?: number;
  readonly log?: (text: string) => void;
}

/** Gets the socket: one that was handed over, or a new one. @throws Error with `code` (EADDRINUSE …) that names the address */
export async function openListener(bind: Bind, { tries = 5, waitMs = 1_000, log = () => undefined }: OpenOptions = {}): Promise<Listener> {
  // TODO 7.1  A descriptor is there already (`inherited`), any other socket is a new one (`bindNew`). While the address is in
  //           use (EADDRINUSE), it is tried `tries` times in all, `waitMs` apart, and `log` is told of each time but the
  //           last. Any other error is thrown at once.

  // TODO 7.6  Where a socket was handed over (`isHandedOver`), that is the one, whatever `bind` says. With a Unix domain
  //           socket, a second master has its name, too (`named`).
  throw new NotImplemented('7.1');
}

// region inherited
/** Whether descriptor 3 is a socket for this very process: from systemd (sd_listen_fds(3)), or from an older master of ours. */
function isHandedOver({ LISTEN_FDS, LISTEN_PID }: NodeJS.ProcessEnv): boolean {
  // TODO 7.6  systemd says LISTEN_FDS, the number of sockets, and LISTEN_PID, whom they are for. They begin with 3. What is
  //           for another process is not ours. An older master is known by `isSuccessor`.
  return false;
}
// endregion

/**
 * Binds an address and does not listen: the workers do. Node has no public way to do the one without the other, which is
 * why a server listens first and is closed again: it finds out what is wrong, and which port 0 is.
 *
 * @throws Error with `code` that names the address
 */
async function bindNew(bind: { kind: 'tcp'; host: string; port: number } | { kind: 'unix'; path: string }): Promise<Listener> {
  // TODO 7.1  Do what the comment above says, with `listen` of chapter 01 and with `createHandle`, which takes an address and
  //           no name. A Unix domain socket needs no server first. `getSystemErrorName` of node:util knows the code of a
  //           number.

  // TODO 7.6  The name of a Unix domain socket that nobody answers at is taken over (`removeStale`). `close` leaves the name,
  //           unless `remove` is set. Node itself removes the name that it has bound when it closes the socket: so that has
  //           to be another one, and is renamed.
  throw new NotImplemented('7.1');
}

/**
 * Removes the name of a Unix domain socket that nobody answers at: it is left from a server that has gone.
 *
 * @throws Error if somebody does, with the `code` EADDRINUSE, or if it is not a socket
 */
async function removeStale(path: string): Promise<void> {
  // TODO 7.6  Do what the comment above says. Where nobody answers, a client gets ECONNREFUSED.
  throw new NotImplemented('7.6');
}

function inherited(fd: number): Listener {
  // A socket of no use of its own: it is only asked for its name.
  const handle = createHandle(undefined, undefined, undefined, fd);
  if (typeof handle === 'number') throw new Error(`descriptor ${fd} is not a listening socket: start the program with one, or bind an address`);
  const name: { address?: string; family?: string; port?: number } = {};
  (handle as Handle).getsockname?.(name);
  return { fd, address: name.port === undefined ? `fd://${fd}` : originOf({ address: name.address!, family: name.family!, port: name.port }), close: () => (handle as Handle).close() };
}

/** The name of a Unix domain socket is removed by the last master that has it: not as long as the older one lives. */
function named(listener: Listener, path: string): Listener {
  // TODO 7.6  The same socket, with its name as its address. `close` does what the comment above says.
  throw new NotImplemented('7.6');
}

function originOf({ address, family, port }: { readonly address: string; readonly family: string; readonly port: number }): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/**
 * Not public, but what `node:cluster` is built on: `('127.0.0.1', 80, 4, -1)`, `('::1', 80, 6, -1)`, `('/path', -1, -1, -1)`.
 * Gives a handle, or a negative number for an error.
 */
const createHandle = (net as unknown as { readonly _createServerHandle: (address: unknown, port: unknown, family: unknown, fd: unknown) => unknown })._createServerHandle;
