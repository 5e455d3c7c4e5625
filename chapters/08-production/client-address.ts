/**
 * Finds out who the client is when proxies are in front: what they say in X-Forwarded-For or Forwarded, as far as they are trusted.
 *
 * Each proxy adds the address that it has seen at the right end of a list. Everything to the left of what our own proxies
 * have added may have been written by the client. So the list is read from the right, and only until somebody is not ours.
 * It knows no socket: addresses and fields in, an address out.
 */

import { BlockList, isIPv4, isIPv6 } from 'node:net';

import type { HeaderPair } from '../02-http/index.ts';
import type { AsyncApp, Endpoint } from '../06-websocket/index.ts';
import { SettingsError } from '../07-prefork/index.ts';
import { NotImplemented } from '#course/not-implemented.ts';

/** How many proxies may be between a client and us. What is further to the left is not read. */
const HOPS_MAX = 100;

/** The address of a client that nobody can name (RFC 7239 §6.2). It is never trusted. */
export const UNKNOWN = 'unknown';

/** The proxies that are believed. */
export class TrustedProxies {
  readonly #list = new BlockList();
  #unix = false;

  /** @param texts addresses, networks such as `10.0.0.0/8`, and `unix` for clients of a Unix domain socket @throws SettingsError */
  constructor(texts: readonly string[]) {
    for (const text of texts) {
      const [, address = '', bits] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
      const family = isIPv4(address) ? 'ipv4' : 'ipv6';
      const most = family === 'ipv4' ? 32 : 128;
      // IPv4 as IPv6 has 96 bits more: with 8 bits, ::ffff:10.0.0.0 would be everybody.
      const least = /^::ffff:[\d.]+$/i.test(address) ? 96 : 0;
      const count = Number(bits ?? most);
      if (text === 'unix') this.#unix = true;
      else if ((isIPv4(address) || isIPv6(address)) && count >= least && count <= most) this.#list.addSubnet(address, count, family);
      else throw new SettingsError('--trusted-proxy', text, 'an address, a network such as 10.0.0.0/8, or unix');
    }
  }

  /** @param address `null` for a peer on a Unix domain socket */
  has(address: string | null): boolean {
    if (address === null) return this.#unix;
    return isIPv4(address) || isIPv6(address) ? this.#list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6') : false;
  }
}

/** Which field the proxies write, and who they are. */
export interface Trust {
  readonly proxies: TrustedProxies;
  readonly field: string;
}

/**
 * Finds the client of a request.
 *
 * @param peer who has connected to us; `null` on a Unix domain socket
 * @param headers with names in lower case
 */
export function clientOf(peer: Endpoint | null, headers: readonly HeaderPair[], { proxies, field }: Trust): Endpoint | null {
  // TODO 8.3  Begin with the peer. As long as somebody is one of the `proxies`, look at what that proxy has seen: the last
  //           element that has not been read yet. The first one that is not a proxy is the client; where all are proxies, it is
  //           the one that was read last. Several lines of a field are one list (RFC 9110 §5.3), in which empty elements do not
  //           count (§5.6.1). An element that cannot be read (`readNode`; `forParameter` in Forwarded) is UNKNOWN, with port 0.
  //           No more than HOPS_MAX are read, and a list of ten thousand costs no more than one of a hundred.
  throw new NotImplemented('8.3');
}

/** The last comma that is not between quotes. Read from the right, too: quotes of a client cannot reach what we have added. */
function lastComma(text: string): number {
  let isQuoted = false;
  for (let at = text.length - 1; at >= 0; at--) {
    if (text[at] === '"') isQuoted = !isQuoted;
    else if (text[at] === ',' && !isQuoted) return at;
  }
  return -1;
}

/** RFC 7239 §4: `for="[2001:db8::1]:4711";proto=https`. A parameter that is there twice is not a parameter. */
function forParameter(element: string): string {
  const found = element.split(';').flatMap((pair) => /^\s*for=(?:"([^"\\]*)"|([^"\s]*))\s*$/i.exec(pair) ?? []).filter((part) => part !== undefined);
  return found.length === 2 ? found[1]! : '';
}

/** RFC 7239 §6: an address, with a port or without; IPv6 in brackets, which X-Forwarded-For leaves out. `null` for anything else. */
function readNode(text: string): Endpoint | null {
  const [, v6, v4, port] = /^(?:\[([^\]%]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = v6 ?? v4 ?? text;
  const isAddress = v6 !== undefined ? isIPv6(v6) : v4 !== undefined ? isIPv4(v4) : isIPv6(text) && !text.includes('%');
  return isAddress && Number(port ?? 0) <= 65_535 ? { address, port: Number(port ?? 0) } : null;
}

/** Tells the application of the client, and not of the proxy that has connected. */
export function withClientAddress(app: AsyncApp, trust: Trust): AsyncApp {
  // TODO 8.3  Do what the comment above says: `client` of each scope that has one.
  throw new NotImplemented('8.3');
}
