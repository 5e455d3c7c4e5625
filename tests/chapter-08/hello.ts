/** The first message of a TLS client as bytes, so that a test can send half of it, or one that no library sends. */
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';

/** A ClientHello that is right, for a name of at most 255 bytes. */
export async function clientHello(servername = 'localhost'): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const wire = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      resolve(chunk);
      done();
    },
  });
  const client = connect({ socket: wire, servername });
  client.on('error', () => undefined);
  try {
    return await promise;
  } finally {
    client.destroy();
  }
}

/** A ClientHello for a name that is too long to be one. */
export async function helloForLongName(length: number): Promise<Buffer> {
  const short = 'n'.repeat(200);
  const hello = await clientHello(short);
  const at = hello.indexOf(short);
  const more = length - short.length;
  const grown = Buffer.concat([hello.subarray(0, at), Buffer.alloc(more, 'n'), hello.subarray(at)]);
  // Before the name: its length, its type, the length of the list, and that of the extension.
  for (const offset of [at - 2, at - 5, at - 7]) grown.writeUInt16BE(grown.readUInt16BE(offset) + more, offset);
  // RFC 8446 §4.1.2: a record of 5 bytes and a message of 4, the version, the random, and three lists.
  const session = 5 + 4 + 2 + 32;
  const suites = session + 1 + hello.readUInt8(session);
  const compressions = suites + 2 + hello.readUInt16BE(suites);
  const extensions = compressions + 1 + hello.readUInt8(compressions);
  for (const offset of [extensions, 3]) grown.writeUInt16BE(grown.readUInt16BE(offset) + more, offset);
  grown.writeUIntBE(grown.readUIntBE(6, 3) + more, 6, 3);
  return grown;
}

/** The beginning of a ClientHello of the greatest size, so that its end is far off. */
export function endlessHello(): Buffer {
  return Buffer.concat([Buffer.from('1603014000' + '01003ffc' + '0303', 'hex'), Buffer.alloc(16_000)]);
}
