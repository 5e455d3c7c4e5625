/**
 * Checks an environ: the rules G10 to G29, as far as they can be seen in it.
 */

import type { RuleId } from './breaches.ts';
import { decodePathInfo } from './path-info.ts';

/** Called with a rule that is broken, and how it is broken. */
type Complain = (rule: RuleId, what: string) => void;

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
const STRINGS = [
  'REQUEST_METHOD', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'SERVER_NAME', 'SERVER_PORT', 'SERVER_PROTOCOL',
  'gateway.urlScheme', 'gateway.rawPathInfo',
] as const;
const OBJECTS = ['gateway.version', 'gateway.input', 'gateway.errors', 'gateway.signal'] as const;
const BOOLEANS = ['gateway.multithread', 'gateway.multiprocess', 'gateway.runOnce'] as const;

/** Complains about each rule that the environ breaks. False if so much is missing that no application can use it. */
export function checkEnviron(environ: unknown, complain: Complain): environ is Record<string, unknown> {
  if (typeof environ !== 'object' || environ === null) {
    complain('G10', `the environ is ${environ === null ? 'null' : `a ${typeof environ}`}`);
    return false;
  }
  const facts = environ as Record<string, unknown>;
  if (!Object.isExtensible(facts)) complain('G10', 'the environ is frozen or sealed');
  for (const key of STRINGS) if (typeof facts[key] !== 'string') complain('G11', `${key} is ${show(facts[key])}`);
  for (const key of OBJECTS) if (typeof facts[key] !== 'object') complain('G11', `${key} is ${show(facts[key])}`);
  for (const key of BOOLEANS) if (typeof facts[key] !== 'boolean') complain('G23', `${key} is ${show(facts[key])}`);
  checkPath(facts, complain);
  checkServer(facts, complain);
  checkGateway(facts, complain);
  for (const key of Object.keys(facts)) checkKey(key, facts[key], complain);
  return true;
}

function checkPath(facts: Record<string, unknown>, complain: Complain): void {
  const { REQUEST_METHOD: method, SCRIPT_NAME: script, PATH_INFO: path, QUERY_STRING: query } = facts;
  const raw = facts['gateway.rawPathInfo'];
  if (typeof method === 'string' && !TOKEN.test(method)) complain('G12', `REQUEST_METHOD is ${show(method)}`);
  if (typeof script === 'string' && script !== '' && (!script.startsWith('/') || script.endsWith('/'))) {
    complain('G13', `SCRIPT_NAME is ${show(script)}`);
  }
  if (typeof path === 'string' && path !== '' && !path.startsWith('/') && !(path === '*' && method === 'OPTIONS')) {
    complain('G14', `PATH_INFO is ${show(path)}`);
  }
  if (typeof raw === 'string' && typeof path === 'string' && decoded(raw) !== path) {
    complain('G15', `PATH_INFO is ${show(path)} and gateway.rawPathInfo ${show(raw)}`);
  }
  if (typeof query === 'string' && query.startsWith('?')) complain('G16', `QUERY_STRING is ${show(query)}`);
}

function checkServer(facts: Record<string, unknown>, complain: Complain): void {
  const { SERVER_NAME: name, SERVER_PORT: port, SERVER_PROTOCOL: protocol, CONTENT_LENGTH: length } = facts;
  if (name === '') complain('G20', 'SERVER_NAME is empty');
  if (typeof port === 'string' && !/^\d+$/.test(port)) complain('G20', `SERVER_PORT is ${show(port)}`);
  if (typeof protocol === 'string' && !/^HTTP\/1\.[01]$/.test(protocol)) complain('G20', `SERVER_PROTOCOL is ${show(protocol)}`);
  for (const key of ['REMOTE_ADDR', 'REMOTE_PORT']) {
    if (facts[key] !== undefined && typeof facts[key] !== 'string') complain('G21', `${key} is ${show(facts[key])}`);
  }
  if (length !== undefined && !(typeof length === 'string' && /^\d+$/.test(length))) complain('G17', `CONTENT_LENGTH is ${show(length)}`);
}

function checkGateway(facts: Record<string, unknown>, complain: Complain): void {
  const { 'gateway.version': version, 'gateway.urlScheme': scheme, 'gateway.earlyHints': hints } = facts;
  if (!Array.isArray(version) || version[0] !== 1 || version[1] !== 0) complain('G22', `gateway.version is ${show(version)}`);
  if (scheme !== 'http' && scheme !== 'https') complain('G22', `gateway.urlScheme is ${show(scheme)}`);
  if (!(facts['gateway.signal'] instanceof AbortSignal)) complain('G24', `gateway.signal is ${show(facts['gateway.signal'])}`);
  if (hints !== undefined && typeof hints !== 'function') complain('G25', `gateway.earlyHints is ${show(hints)}`);
  for (const [key, methods] of [['gateway.input', ['read', 'readline', 'lines', Symbol.asyncIterator]], ['gateway.errors', ['write']]] as const) {
    const object = facts[key] as Record<PropertyKey, unknown> | null | undefined;
    for (const method of methods) if (typeof object?.[method] !== 'function') complain('G11', `${key} has no ${String(method)}()`);
  }
}

function checkKey(key: string, value: unknown, complain: Complain): void {
  if (key === 'HTTP_CONTENT_TYPE' || key === 'HTTP_CONTENT_LENGTH') complain('G17', `there is ${key}`);
  else if (key.startsWith('HTTP_') && typeof value !== 'string') complain('G18', `${key} is ${show(value)}`);
  else if (!key.includes('.') && !/^[A-Z][A-Z0-9_]*$/.test(key) && !key.startsWith('HTTP_')) complain('G26', `there is a key ${show(key)}`);
}

function decoded(rawPath: string): string | null {
  try {
    return decodePathInfo(rawPath);
  } catch {
    return null;
  }
}

/** A value as a complaint quotes it. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === undefined) return 'missing';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
