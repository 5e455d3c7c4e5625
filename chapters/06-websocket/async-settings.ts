/**
 * What a server that calls asynchronous applications can be told, with defaults; worked out once, not with every call.
 */

import type { HeaderPair } from '../02-http/index.ts';
import { encodeScriptName } from '../05-gateway/index.ts';
import type { Scope } from './async-app.ts';
import { UnknownScopes, errorText } from './unknown-scopes.ts';

/** Told of a fault on our side, and of the scope that the application was called for; `null`: of none. */
export type AsyncErrorReporter = (error: unknown, scope: Scope | null) => void;

export interface AsyncOptions {
  /** Told of faults, the application's above all. Default: writes them, with their stack, to stderr. */
  readonly onError?: AsyncErrorReporter;
  /** The value of Server; `''` for none. Default `ten-servers`. */
  readonly serverSoftware?: string;
  /** What an application that awaits no `send` may have waiting when it sends more, in bytes. Default 1 MiB. */
  readonly bufferedBytesMax?: number;
}

/** What may wait to be sent when more is sent, unless told otherwise, in bytes. */
export const defaultBufferedBytesMax = 1024 * 1024;

export interface AsyncSettings extends Required<AsyncOptions> {
  /** The Server field, where there is one. */
  readonly serverField: HeaderPair | null;
  /** What the lifespan has left for the scopes. */
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

/** A64: that an application does not know a scope is reported once for each type. */
function withoutRepeating(onError: AsyncErrorReporter): AsyncErrorReporter {
  const unknown = new UnknownScopes();
  return (error, scope) => {
    if (scope === null || unknown.isNews(error, scope.type)) onError(error, scope);
  };
}

/** One line that tells where, and then the stack. */
function reportToStderr(error: unknown, scope: Scope | null): void {
  process.stderr.write(`error in ${placeOf(scope)}: ${errorText(error)}\n`);
}

function placeOf(scope: Scope | null): string {
  if (scope === null) return 'the server';
  // The path as sent: in the decoded one a client could write lines of its own.
  return scope.type === 'lifespan' ? 'the lifespan' : `${scope.type} ${encodeScriptName(scope.rootPath)}${scope.rawPath}`;
}
