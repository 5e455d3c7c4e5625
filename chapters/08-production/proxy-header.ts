/**
 * The PROXY protocol of HAProxy, versions 1 and 2: one header at the beginning of a connection, before TLS and HTTP, in
 * which a proxy says who its client is.
 *
 * Bytes in, a header out: it knows no socket. From whom a header is taken is not its business, either.
 */

import { isIPv4, isIPv6, SocketAddress } from 'node:net';

import type { Endpoint } from '../06-websocket/index.ts';

/** What a header says, once all of it has come. */
export interface ProxyHeader {
  /** `null` if the proxy does not say: UNKNOWN, LOCAL, or a family of addresses that has no ports. */
  readonly client: Endpoint | null;
  /** What has come after the header. */
  readonly rest: Buffer;
}

/** Something else than a header, or one that breaks off. */
export class ProxyHeaderError extends Error {
  override readonly name = 'ProxyHeaderError';
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V1_BEGINNING = Buffer.from('PROXY ', 'latin1');
/** With its CRLF (section 2.1). */
const V1_BYTES_MAX = 107;
const V2_FIXED_BYTES = 16;
/** Addresses and extensions: more than any proxy sends, and far less than the 65,535 that fit. */
const V2_BYTES_MAX = 4096;

export class ProxyHeaderReader {
  #held: Buffer = Buffer.alloc(0);

  /** @returns `null` while more must come @throws ProxyHeaderError */
  receive(bytes: Uint8Array): ProxyHeader | null {
    const held = (this.#held = Buffer.concat([this.#held, bytes]));
    if (begins(held, SIGNATURE)) return held.length < V2_FIXED_BYTES ? null : readV2(held);
    if (begins(held, V1_BEGINNING)) return readV1(held);
    throw new ProxyHeaderError('the connection does not begin with a PROXY header');
  }
}

/** Whether the bytes begin with these, as far as they have come. */
function begins(bytes: Buffer, beginning: Buffer): boolean {
  const length = Math.min(bytes.length, beginning.length);
  return bytes.subarray(0, length).equals(beginning.subarray(0, length));
}

/** Section 2.1: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443` and CRLF, with single spaces. */
function readV1(held: Buffer): ProxyHeader | null {
  const end = held.subarray(0, V1_BYTES_MAX).indexOf('\r\n', 0, 'latin1');
  if (end === -1 && held.length < V1_BYTES_MAX) return null;
  const line = held.toString('latin1', 0, Math.max(0, end));
  const rest = held.subarray(end + 2);
  if (/^PROXY UNKNOWN( |$)/.test(line)) return { client: null, rest };
  const [, family, source = '', destination = '', ...ports] = /^PROXY (TCP[46]) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/.exec(line) ?? [];
  const isAddress = family === 'TCP4' ? isIPv4 : isIPv6;
  const isRight = family !== undefined && isAddress(source) && isAddress(destination) && !line.includes('%') && ports.every((port) => Number(port) <= 65_535);
  if (!isRight) throw new ProxyHeaderError('the PROXY header cannot be read');
  return { client: { address: source, port: Number(ports[0]) }, rest };
}

/** Section 2.2: the signature, version and command, family, length; then addresses, ports and extensions. */
function readV2(held: Buffer): ProxyHeader | null {
  const [command = 0, family = 0] = held.subarray(SIGNATURE.length);
  const length = held.readUInt16BE(14);
  if (command >> 4 !== 2 || (command & 0xf) > 1 || length > V2_BYTES_MAX) throw new ProxyHeaderError('the PROXY header cannot be read');
  const end = V2_FIXED_BYTES + length;
  if (held.length < end) return null;
  const isLocal = (command & 0xf) === 0;
  return { client: isLocal ? null : readAddress(family, held.subarray(V2_FIXED_BYTES, end)), rest: held.subarray(end) };
}

/** Two addresses, then two ports: those of the source come first. */
function readAddress(family: number, bytes: Buffer): Endpoint | null {
  const size = family >> 4 === 1 ? 4 : family >> 4 === 2 ? 16 : 0;
  if (size === 0) return null;
  if (bytes.length < 2 * size + 4) throw new ProxyHeaderError('the addresses of the PROXY header break off');
  const source = bytes.subarray(0, size);
  const address = size === 4 ? source.join('.') : new SocketAddress({ family: 'ipv6', address: source.toString('hex').replace(/.{4}(?!$)/g, '$&:') }).address;
  return { address, port: bytes.readUInt16BE(2 * size) };
}
