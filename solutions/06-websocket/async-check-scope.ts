/**
 * Whether a scope is valid: the rules A10 to A24, as far as they can be checked by looking at it.
 */

import { decodePathInfo } from '../05-gateway/index.ts';
import type { AsyncRuleId } from './async-breaches.ts';

/** Called with a rule that is broken, and how it is broken. */
type Complain = (rule: AsyncRuleId, what: string) => void;

type Facts = Record<string, unknown>;

const KEYS: Readonly<Record<string, readonly string[]>> = {
  http: ['method', 'httpVersion', 'scheme', 'rootPath', 'path', 'rawPath', 'query', 'headers', 'client', 'server', 'state',
    'signal', 'stopping', 'extensions'],
  websocket: ['httpVersion', 'scheme', 'rootPath', 'path', 'rawPath', 'query', 'headers', 'client', 'server', 'state',
    'signal', 'stopping', 'extensions', 'subprotocols'],
  lifespan: ['state'],
};
const SCHEMES: Readonly<Record<string, readonly string[]>> = { http: ['http', 'https'], websocket: ['ws', 'wss'] };

/** Complains about each rule that the scope breaks. False if the scope is not of a kind that can be watched. */
export function checkScope(scope: unknown, complain: Complain): boolean {
  if (typeof scope !== 'object' || scope === null) {
    complain('A10', `the scope is ${scope === null ? 'null' : `a ${typeof scope}`}`);
    return false;
  }
  const facts = scope as Facts;
  const { type } = facts;
  if (!Object.isExtensible(facts)) complain('A10', 'the scope is frozen or sealed');
  if (typeof type !== 'string') complain('A11', `type is ${String(type)}`);
  // A scope of a kind that the specification does not know is none of our business.
  const keys = typeof type === 'string' && Object.hasOwn(KEYS, type) ? KEYS[type] : undefined;
  if (keys === undefined) return false;
  for (const key of keys) if (!Object.hasOwn(facts, key) || facts[key] === undefined) complain('A11', `${key} is missing`);
  const { version, state } = facts;
  if (!Array.isArray(version) || version[0] !== 2 || version[1] !== 0) complain('A12', `version is ${String(version)}`);
  if (typeof state !== 'object' || state === null) complain('A21', `state is ${String(state)}`);
  for (const key of Object.keys(facts)) {
    const isKnown = key === 'type' || key === 'version' || keys.includes(key);
    if (!isKnown && !key.includes('.')) complain('A24', `there is a key '${key}'`);
  }
  if (type !== 'lifespan') checkRequest(facts, complain);
  return true;
}

function checkRequest(facts: Facts, complain: Complain): void {
  const { type, httpVersion, scheme, query, signal, stopping, extensions, subprotocols } = facts;
  for (const key of ['rootPath', 'path', 'rawPath', 'query', ...(type === 'http' ? ['method'] : [])]) {
    if (typeof facts[key] !== 'string') complain('A11', `${key} is ${String(facts[key])}`);
  }
  if (httpVersion !== '1.0' && httpVersion !== '1.1') complain('A11', `httpVersion is ${String(httpVersion)}`);
  if (!SCHEMES[String(type)]!.includes(String(scheme))) complain('A18', `scheme is ${String(scheme)}`);
  if (typeof query === 'string' && query.startsWith('?')) complain('A16', `query is '${query}'`);
  if (!(signal instanceof AbortSignal)) complain('A19', `signal is ${String(signal)}`);
  if (!(stopping instanceof AbortSignal)) complain('A20', `stopping is ${String(stopping)}`);
  if (typeof extensions !== 'object' || extensions === null) complain('A11', `extensions is ${String(extensions)}`);
  if (type === 'websocket' && !isListOf(subprotocols, (each) => typeof each === 'string')) {
    complain('A23', `subprotocols is ${String(subprotocols)}`);
  }
  if (!isListOf(facts['headers'], isLowerCasePair)) complain('A13', 'headers is something else');
  for (const key of ['client', 'server']) if (!isEndpoint(facts[key])) complain('A17', `${key} is something else`);
  checkPath(facts, complain);
}

function checkPath({ method, rootPath, path, rawPath }: Facts, complain: Complain): void {
  if (typeof path !== 'string' || typeof rawPath !== 'string') return;
  const isPath = path === '' || path.startsWith('/') || (path === '*' && method === 'OPTIONS');
  if (!isPath || decoded(rawPath) !== path) complain('A15', `path is '${path}' and rawPath '${rawPath}'`);
  if (typeof rootPath === 'string' && rootPath !== '' && (!rootPath.startsWith('/') || rootPath.endsWith('/'))) {
    complain('A15', `rootPath is '${rootPath}'`);
  }
}

function decoded(rawPath: string): string | null {
  try {
    return decodePathInfo(rawPath);
  } catch {
    return null;
  }
}

function isListOf(value: unknown, is: (each: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(is);
}

function isLowerCasePair(pair: unknown): boolean {
  if (!Array.isArray(pair) || pair.length !== 2) return false;
  const [name, value] = pair as unknown[];
  return typeof name === 'string' && typeof value === 'string' && name === name.toLowerCase();
}

function isEndpoint(value: unknown): boolean {
  if (value === null) return true;
  if (typeof value !== 'object') return false;
  const { address, port } = value as Facts;
  return typeof address === 'string' && Number.isInteger(port);
}
