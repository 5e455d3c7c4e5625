/**
 * The socket that all workers share: what was typed, what is bound, what was handed over by somebody else.
 *
 * The master binds it, hands its descriptor to each worker, and never accepts. So it outlives every worker: while they
 * die and are replaced, clients wait in its queue, which is there as soon as the first worker has listened.
 */

import { existsSync, lstatSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import * as net from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { getSystemErrorName } from 'node:util';

import { listen } from '../01-echo/index.ts';
import { isSuccessor, LISTEN_FD } from './child.ts';
import { SettingsError } from './settings.ts';

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
  const [, path] = /^unix:(.+)$/s.exec(text) ?? [];
  if (path !== undefined) return { kind: 'unix', path };
  const [, fd] = /^fd:\/\/(\d{1,4})$/.exec(text) ?? [];
  if (fd !== undefined && Number(fd) >= LISTEN_FD) return { kind: 'fd', fd: Number(fd) };
  const [, v6, host = v6, port] = /^(?:\[([\da-f:.]+(?:%\w+)?)\]|([^\s:/[\]@]*)):(\d{1,5})$/i.exec(text) ?? [];
  const isAddress = v6 === undefined || net.isIPv6(v6);
  if (host === undefined || port === undefined || !isAddress || Number(port) > 65_535) {
    throw new SettingsError('bind', text, 'an address and a port (127.0.0.1:8000, [::1]:8000), unix:/path, or fd://3');
  }
  return { kind: 'tcp', host: host === '' ? '::' : host, port: Number(port) };
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
  if (bind.kind === 'fd') return inherited(bind.fd);
  if (isHandedOver(process.env)) return isSuccessor() && bind.kind === 'unix' ? named(inherited(LISTEN_FD), bind.path) : inherited(LISTEN_FD);
  for (let left = tries - 1; ; left--) {
    try {
      return await bindNew(bind);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || left <= 0) throw error;
      log(`${(error as Error).message}; tried again in ${waitMs / 1000} s`);
      await wait(waitMs);
    }
  }
}

// region inherited
/** Whether descriptor 3 is a socket for this very process: from systemd (sd_listen_fds(3)), or from an older master of ours. */
function isHandedOver({ LISTEN_FDS, LISTEN_PID }: NodeJS.ProcessEnv): boolean {
  return isSuccessor() || (Number(LISTEN_FDS) >= 1 && Number(LISTEN_PID) === process.pid);
}
// endregion

/**
 * Binds an address and does not listen: the workers do. Node has no public way to do the one without the other, which is
 * why a server listens first and is closed again: it finds out what is wrong, and which port 0 is.
 *
 * @throws Error with `code` that names the address
 */
async function bindNew(bind: { kind: 'tcp'; host: string; port: number } | { kind: 'unix'; path: string }): Promise<Listener> {
  if (bind.kind === 'unix' && existsSync(bind.path)) await removeStale(bind.path);
  let made: unknown;
  let address: string;
  if (bind.kind === 'unix') {
    // Node removes the name that it has bound as soon as it closes the socket, and a second master may need it. So it is another one.
    const bound = `${bind.path}.${process.pid}`;
    made = createHandle(bound, -1, -1, -1);
    if (typeof made !== 'number') renameSync(bound, bind.path);
    address = `unix:${bind.path}`;
  } else {
    const probe = net.createServer();
    const found = await listen(probe, bind);
    await new Promise((resolve) => probe.close(resolve));
    made = createHandle(found.address, found.port, found.family === 'IPv6' ? 6 : 4, -1);
    address = originOf(found);
  }
  if (typeof made === 'number') throw Object.assign(new Error(`${address} cannot be bound`), { code: getSystemErrorName(made) });
  const handle = made as Handle;
  return {
    fd: handle.fd,
    address,
    close: ({ remove }) => {
      handle.close();
      if (remove && bind.kind === 'unix') rmSync(bind.path, { force: true });
    },
  };
}

/**
 * Removes the name of a Unix domain socket that nobody answers at: it is left from a server that has gone.
 *
 * @throws Error if somebody does, with the `code` EADDRINUSE, or if it is not a socket
 */
async function removeStale(path: string): Promise<void> {
  if (!lstatSync(path).isSocket()) throw new Error(`${path} is not a socket: it is left alone; choose another path`);
  const socket = net.connect(path);
  const code = await new Promise<string | undefined>((resolve) => {
    socket.once('connect', () => resolve('EADDRINUSE')).once('error', ({ code }: NodeJS.ErrnoException) => resolve(code));
  });
  socket.destroy();
  if (code === 'ECONNREFUSED') unlinkSync(path);
  else throw Object.assign(new Error(`${path} is in use: stop the program that has it, or choose another path`), { code: 'EADDRINUSE' });
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
  const close: Listener['close'] = ({ remove }) => {
    listener.close({ remove });
    if (remove && !isSuccessor()) rmSync(path, { force: true });
  };
  return { ...listener, address: `unix:${path}`, close };
}

function originOf({ address, family, port }: { readonly address: string; readonly family: string; readonly port: number }): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/**
 * Not public, but what `node:cluster` is built on: `('127.0.0.1', 80, 4, -1)`, `('::1', 80, 6, -1)`, `('/path', -1, -1, -1)`.
 * Gives a handle, or a negative number for an error.
 */
const createHandle = (net as unknown as { readonly _createServerHandle: (address: unknown, port: unknown, family: unknown, fd: unknown) => unknown })._createServerHandle;
