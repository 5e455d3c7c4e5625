/**
 * The settings of a server that calls asynchronous applications, with defaults. They are worked out once, not for every
 * call.
 */

import type { HeaderPair } from '../02-http/index.ts';
import { encodeScriptName } from '../05-gateway/index.ts';
import type { Scope } from './async-app.ts';
import { UnknownScopes, errorText } from './unknown-scopes.ts';

/** Called with a fault on our side, and with the scope in which it happened, or `null` if there was none. */
export type AsyncErrorReporter = (error: unknown, scope: Scope | null) => void;

export interface AsyncOptions {
  /** Called for each fault, above all the application's. Default: writes them, with their stack, to stderr. */
  readonly onError?: AsyncErrorReporter;
  /** The value of Server; `''` for none. Default `ten-servers`. */
  readonly serverSoftware?: string;
  /** How much may be waiting already when an application that does not await `send` sends more, in bytes. Default 1 MiB. */
  readonly bufferedBytesMax?: number;
}

/** How much may be waiting already when more is sent, unless told otherwise, in bytes. */
export const defaultBufferedBytesMax = 1024 * 1024;

export interface AsyncSettings extends Required<AsyncOptions> {
  /** The Server field, if there is one. */
  readonly serverField: HeaderPair | null;
  /** What the application has put into the lifespan's state: each scope gets a copy. */
  readonly state: Record<string, unknown>;
  /** Aborts when the server begins to stop. */
  readonly stopping: AbortSignal;
}

export function withAsyncDefaults(
  options: AsyncOptions,
  state: Record<string, unknown>,
  stopping: AbortSignal,
): AsyncSettings {
  const { onError = reportToStderr, serverSoftware = 'ten-servers', bufferedBytesMax = defaultBufferedBytesMax } = options;
  const serverField: HeaderPair | null = serverSoftware === '' ? null : ['Server', serverSoftware];
  return { onError: withoutRepeating(onError), serverSoftware, bufferedBytesMax, serverField, state, stopping };
}

/** A64: an application that does not know a type of scope is reported once for that type. */
function withoutRepeating(onError: AsyncErrorReporter): AsyncErrorReporter {
  const unknown = new UnknownScopes();
  return (error, scope) => {
    if (scope === null || unknown.isNews(error, scope.type)) onError(error, scope);
  };
}

/** One line that says where, and then the stack. */
function reportToStderr(error: unknown, scope: Scope | null): void {
  process.stderr.write(`error in ${placeOf(scope)}: ${errorText(error)}\n`);
}

function placeOf(scope: Scope | null): string {
  if (scope === null) return 'the server';
  // The path as sent: with the decoded one, a client could write lines of its own into the log.
  return scope.type === 'lifespan' ? 'the lifespan' : `${scope.type} ${encodeScriptName(scope.rootPath)}${scope.rawPath}`;
}
