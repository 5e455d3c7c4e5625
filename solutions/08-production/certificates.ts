/**
 * Certificates with their keys, as files: which one is for which name, and whether they can be used at all.
 *
 * It knows no socket. A name comes from a stranger, who may write anything.
 */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { SecureContext, SecureContextOptions } from 'node:tls';

/** A file that cannot be used. The message names the file, and is one sentence for the person who runs the server. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

export class Certificates {
  readonly #pairs: readonly string[];
  #byName: ReadonlyMap<string, SecureContext> = new Map();
  #first: SecureContextOptions = {};

  /**
   * @param pairs `CERTIFICATE.pem,KEY.pem`; the first is for clients that name no host, or an unknown one
   * @throws CertificateError
   */
  constructor(pairs: readonly string[]) {
    this.#pairs = pairs;
    this.reload();
  }

  /** Reads all files again. If one of them cannot be used, those that were there stay. @throws CertificateError */
  reload(): void {
    const read = this.#pairs.map(readPair);
    // The first of two that have the same name counts: it comes last.
    this.#byName = new Map(read.toReversed().flatMap(({ names, context }) => names.map((name) => [name, context])));
    this.#first = read[0]?.options ?? {};
  }

  /** For a client that names no host that is known. */
  get first(): SecureContextOptions {
    return this.#first;
  }

  /** For a name as a client writes it: in capitals, with a dot at its end, or one that nobody has. */
  find(name: string): SecureContext | undefined {
    const known = name.toLowerCase().replace(/\.$/, '');
    // RFC 9525 §6.3: an asterisk stands for one whole label, the first.
    return this.#byName.get(known) ?? this.#byName.get(known.replace(/^[^.]+/, '*'));
  }
}

function readPair(pair: string): { names: string[]; options: SecureContextOptions; context: SecureContext } {
  const [certificateFile = '', keyFile = ''] = pair.split(',');
  const cert = use(certificateFile, () => readFileSync(certificateFile));
  const certificate = use(certificateFile, () => new X509Certificate(cert));
  const key = use(keyFile, () => readFileSync(keyFile));
  const privateKey = use(keyFile, () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) throw new CertificateError(`${keyFile} is not the key of ${certificateFile}`);
  const now = Date.now();
  if (certificate.validToDate.getTime() <= now) throw new CertificateError(`${certificateFile} has expired on ${certificate.validTo}`);
  if (certificate.validFromDate.getTime() > now) throw new CertificateError(`${certificateFile} is not valid before ${certificate.validFrom}`);
  const options = { cert, key, minVersion: 'TLSv1.2' } as const;
  return { names: namesOf(certificate), options, context: use(certificateFile, () => createSecureContext(options)) };
}

function use<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new CertificateError(`${file} cannot be used: ${(error as Error).message}`, { cause: error });
  }
}

/** RFC 9525 §2: names are those of the subjectAltName; the common name is not one. */
function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return subjectAltName.split(', ').filter((entry) => entry.startsWith('DNS:')).map((entry) => entry.slice('DNS:'.length).toLowerCase());
}
