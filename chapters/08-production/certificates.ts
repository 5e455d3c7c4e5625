/**
 * Certificates with their keys, as files: which one is for which name, and whether they can be used at all.
 *
 * It knows no socket. A name comes from a stranger, who may write anything.
 */

import type { X509Certificate } from 'node:crypto';
import type { SecureContext, SecureContextOptions } from 'node:tls';

import { NotImplemented } from '#course/not-implemented.ts';

/** A file that cannot be used. The message names the file, and is one sentence for the person who runs the server. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

export class Certificates {
  /**
   * @param pairs `CERTIFICATE.pem,KEY.pem`; the first is for clients that name no host, or an unknown one
   * @throws CertificateError
   */
  constructor(pairs: readonly string[]) {
    // TODO 8.1  The files are read, and each pair is looked at before anybody is served. It is a CertificateError if a file is
    //           missing or is not what it should be, if the key is not that of the certificate, or if today is not among
    //           the days for which the certificate is valid. The message names the file that is wrong.
    throw new NotImplemented('8.1');
  }

  /** Reads all files again. If one of them cannot be used, those that were there stay. @throws CertificateError */
  reload(): void {
    // TODO 8.1  Do what the comment above says. All files are read before any of them is used.
    throw new NotImplemented('8.1');
  }

  /** For a client that names no host that is known. */
  get first(): SecureContextOptions {
    // TODO 8.1  The certificate and key of the first pair, and TLS 1.2 as the oldest version. Nothing is said about groups.
    throw new NotImplemented('8.1');
  }

  /** For a name as a client writes it: in capitals, with a dot at its end, or one that nobody has. */
  find(name: string): SecureContext | undefined {
    // TODO 8.1  The pair that names it, as it is or with an asterisk for its first label (RFC 9525 §6.3); the first such pair if
    //           there are several, and `undefined` if there is none. What a client writes is in any case, and may end in a dot.
    throw new NotImplemented('8.1');
  }
}

/** RFC 9525 §2: names are those of the subjectAltName; the common name is not one. */
function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return subjectAltName.split(', ').filter((entry) => entry.startsWith('DNS:')).map((entry) => entry.slice('DNS:'.length).toLowerCase());
}
