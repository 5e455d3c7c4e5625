/** What an attack may be told, and what it refuses: above all, every machine but this one. */

import { BlockList, isIP } from 'node:net';
import { parseArgs } from 'node:util';

import type { Attack } from './attack.ts';
import type { TargetOptions } from './target.ts';

const CONNECTIONS_MAX = 5_000;
const SECONDS_MAX = 600;

/** Something that the person at the keyboard can mend. */
export class Refusal extends Error {}

/** The addresses of this machine, which nobody else can have. */
const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Reads what follows the name of an attack. @throws Refusal */
export function targetOptions(name: string, attack: Attack, args: readonly string[], signal: AbortSignal): TargetOptions {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' }, host: { type: 'string' }, tls: { type: 'boolean' }, path: { type: 'string' },
        connections: { type: 'string' }, seconds: { type: 'string' },
      },
    }));
  } catch (error) {
    throw new Refusal((error as Error).message);
  }
  const { host = '127.0.0.1', tls = false, path = '/' } = values;
  if (values.port === undefined) throw new Refusal(`Which server? Say its port: npm run attack ${name} -- --port 8000`);
  const address = host === 'localhost' ? '127.0.0.1' : host;
  const family = isIP(address);
  if (family === 0 || !loopback.check(address, family === 6 ? 'ipv6' : 'ipv4')) {
    throw new Refusal(`${host} is not this machine. Attacks are for a server of your own: only for 127.0.0.1 and ::1.`);
  }
  if (!/^\/[!-~]*$/.test(path)) throw new Refusal(`--path ${path}: a path begins with a slash and has no spaces.`);
  if (attack.needsTls && !tls) throw new Refusal(`${name} is about the handshake. Aim it at a server that speaks HTTPS, and add --tls.`);
  return {
    host: address, tls, path, signal,
    port: numberOf('port', values.port, 65_535),
    connections: values.connections === undefined ? attack.connections : numberOf('connections', values.connections, CONNECTIONS_MAX),
    seconds: values.seconds === undefined ? attack.seconds : numberOf('seconds', values.seconds, SECONDS_MAX),
  };
}

function numberOf(name: string, text: string, most: number): number {
  const number = /^[1-9]\d{0,5}$/.test(text) ? Number(text) : NaN;
  if (number <= most) return number;
  throw new Refusal(`--${name} ${text}: it takes a whole number from 1 to ${most}.`);
}
