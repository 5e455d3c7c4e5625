/**
 * Certificates that sign themselves, made where they are needed, so that none of them can expire in the repository.
 *
 * Node makes keys and signatures, but no certificates: here is as much of X.509 (RFC 5280 §4) as one takes.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

export interface CertificateOptions {
  /** The names that it is for, such as `example.com` or `*.example.com`. */
  names: readonly string[];
  /** From now, in days; below 0 for the past. Default -1. */
  fromDays?: number;
  /** Default 30. */
  toDays?: number;
}

/** Both in PEM. */
export interface KeyedCertificate {
  certificate: string;
  key: string;
}

const DAY_MS = 86_400_000;

const ECDSA_WITH_SHA256 = '06082a8648ce3d040302';
const COMMON_NAME = '0603550403';
const SUBJECT_ALT_NAME = '0603551d11';

export function makeCertificate({ names, fromDays = -1, toDays = 30 }: CertificateOptions): KeyedCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(hex(ECDSA_WITH_SHA256));
  // The name of who has signed and the name of who was signed are the same.
  const name = sequence(set(sequence(hex(COMMON_NAME), value(0x0c, Buffer.from(names[0] ?? '')))));
  // [2]: a DNS name.
  const alternatives = sequence(...names.map((text) => value(0x82, Buffer.from(text))));
  const content = sequence(
    // Version 3.
    value(0xa0, integer(Buffer.from([2]))),
    // A positive number of 20 bytes at most.
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    name,
    sequence(time(fromDays), time(toDays)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    value(0xa3, sequence(sequence(hex(SUBJECT_ALT_NAME), value(0x04, alternatives)))),
  );
  const signature = sign('sha256', content, privateKey);
  return {
    certificate: pem('CERTIFICATE', sequence(content, algorithm, bits(signature))),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

/** A tag, a length and a content (DER). */
function value(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return value(0x30, Buffer.concat(parts));
}

function set(content: Buffer): Buffer {
  return value(0x31, content);
}

function integer(content: Buffer): Buffer {
  return value(0x02, content);
}

function bits(content: Buffer): Buffer {
  // None of the last byte's bits are left over.
  return value(0x03, Buffer.concat([Buffer.from([0]), content]));
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

/** `20261130210000Z`; before 2050 without the century (RFC 5280 §4.1.2.5). */
function time(days: number): Buffer {
  const text = `${new Date(Date.now() + days * DAY_MS).toISOString().replace(/[-:T]|\.\d+/g, '')}`;
  return text < '2050' ? value(0x17, Buffer.from(text.slice(2))) : value(0x18, Buffer.from(text));
}

function pem(label: string, content: Buffer): string {
  return `-----BEGIN ${label}-----\n${content.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`;
}
