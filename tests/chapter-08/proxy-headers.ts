/** PROXY headers as a proxy writes them, and as none does. */

export const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/** A header of version 1 for this client. */
export function headerFor(client: string): Buffer {
  return Buffer.from(`PROXY ${client.includes(':') ? 'TCP6' : 'TCP4'} ${client} ${client.includes(':') ? '2001:db8::1' : '192.0.2.1'} 1234 443\r\n`);
}

export interface V2 {
  command?: number;
  family?: number;
  addresses?: Buffer;
  extensions?: Buffer;
}

/** A header of version 2. */
export function v2({ command = 0x21, family = 0x11, addresses = Buffer.alloc(0), extensions = Buffer.alloc(0) }: V2): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(addresses.length + extensions.length);
  return Buffer.concat([V2_SIGNATURE, Buffer.of(command, family), length, addresses, extensions]);
}

export function addressesV4(source: string, port: number): Buffer {
  return Buffer.concat([Buffer.from(source.split('.').map(Number)), Buffer.of(192, 0, 2, 1), portBytes(port), portBytes(443)]);
}

export function addressesV6(sourceHex: string, port: number): Buffer {
  return Buffer.concat([Buffer.from(sourceHex, 'hex'), Buffer.alloc(16, 1), portBytes(port), portBytes(443)]);
}

function portBytes(port: number): Buffer {
  return Buffer.of(port >> 8, port & 0xff);
}
