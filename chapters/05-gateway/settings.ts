/**
 * The settings of a server that calls applications, with defaults; worked out once, not for every request.
 */

import type { Environ, GatewayErrors, GatewayHeader } from './gateway.ts';
import { requestPath } from './request-fields.ts';

export interface GatewayOptions {
  /** `gateway.multithread`. Default false. */
  readonly multithread?: boolean;
  /** `gateway.multiprocess`. Default false. */
  readonly multiprocess?: boolean;
  /** `gateway.runOnce`. Default false. */
  readonly runOnce?: boolean;
  /** The value of Server and SERVER_SOFTWARE; `''` for none. Default `ten-servers`. */
  readonly serverSoftware?: string;
  /** SERVER_NAME. Default: the address that the client has connected to. */
  readonly serverName?: string;
  /** SERVER_PORT. Default: the port that the client has connected to. */
  readonly serverPort?: number;
  /** `gateway.errors`. Default: stderr. */
  readonly errors?: GatewayErrors;
  /** Called for the application's faults. Default: writes them, with their stack, to `gateway.errors`. */
  readonly onError?: GatewayErrorReporter;
  /** The most that `read()` or `readline()` of `gateway.input` holds, in bytes: 413. Default 1 MiB. */
  readonly heldBytesMax?: number;
}

/** Called with an application's error, and with the request that it was answering. */
export type GatewayErrorReporter = (error: unknown, environ: Environ) => void;

export interface GatewaySettings extends Required<Omit<GatewayOptions, 'serverName' | 'serverPort'>> {
  readonly serverName: string | undefined;
  readonly serverPort: string | undefined;
  /** The Server field, if there is one. */
  readonly serverField: GatewayHeader | null;
}

/** What `gateway.input` holds at most unless told otherwise, in bytes. */
export const defaultHeldBytesMax = 1024 * 1024;

/** `gateway.errors` unless told otherwise. */
export const stderr: GatewayErrors = { write: (text) => void process.stderr.write(text) };

export function withGatewayDefaults(options: GatewayOptions = {}): GatewaySettings {
  const { serverSoftware = 'ten-servers', serverName, serverPort } = options;
  return {
    multithread: options.multithread ?? false,
    multiprocess: options.multiprocess ?? false,
    runOnce: options.runOnce ?? false,
    serverSoftware,
    serverName,
    serverPort: serverPort === undefined ? undefined : String(serverPort),
    serverField: serverSoftware === '' ? null : ['Server', serverSoftware],
    errors: options.errors ?? stderr,
    onError: options.onError ?? reportToGatewayErrors,
    heldBytesMax: options.heldBytesMax ?? defaultHeldBytesMax,
  };
}

/** Writes an error to `gateway.errors`: the request, then the stack. */
export function reportToGatewayErrors(error: unknown, environ: Environ): void {
  // The path as sent: in the decoded one a client could write lines of its own.
  const request = `${environ.REQUEST_METHOD} ${requestPath(environ)}`;
  const text = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  environ['gateway.errors'].write(`error in ${request}: ${text}\n`);
}
