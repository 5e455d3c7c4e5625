/**
 * The interface between a server and an application, as types. The rules that go with them are in
 * docs/gateway-spec.md, modelled on Python's PEP 3333.
 *
 * It knows neither a server nor an application.
 */

/** The body of a request, as an application reads it (rules of `gateway.input`). */
export interface GatewayInput extends AsyncIterable<Buffer> {
  /**
   * Exactly `size` bytes, or fewer at the end of the body; without a size, all that is left. An empty buffer means
   * the end, for ever.
   *
   * @throws an error with a `status` if the body breaks off, comes too slowly or is too large to be held
   */
  read(size?: number): Promise<Buffer>;
  /** One line with its LF; the last one perhaps without; an empty buffer at the end. */
  readline(size?: number): Promise<Buffer>;
  /** The lines that are left. */
  lines(): AsyncIterable<Buffer>;
}

/** Where an application reports its problems. */
export interface GatewayErrors {
  write(text: string): void;
}

/** What a server tells an application about a request: CGI's names for what CGI had, `gateway.` for the rest. */
export interface Environ {
  /** Case-sensitive. */
  REQUEST_METHOD: string;
  /** The part of the path that has led to the application, percent-decoded; `''` or `/…`, never with a slash at its end. */
  SCRIPT_NAME: string;
  /** The rest of the path, percent-decoded as UTF-8; `''` or `/…`; `*` for `OPTIONS *`. */
  PATH_INFO: string;
  /** What follows the `?`, as sent; `''` without one. */
  QUERY_STRING: string;
  /** Absent if the request has none. */
  CONTENT_TYPE?: string;
  /** Digits. Absent if the length is not known in advance. */
  CONTENT_LENGTH?: string;
  SERVER_NAME: string;
  SERVER_PORT: string;
  /** `HTTP/1.1` or `HTTP/1.0`. */
  SERVER_PROTOCOL: string;
  REMOTE_ADDR?: string;
  REMOTE_PORT?: string;
  /** `[1, 0]`: the version of the interface. */
  'gateway.version': readonly [number, number];
  'gateway.urlScheme': 'http' | 'https';
  'gateway.input': GatewayInput;
  'gateway.errors': GatewayErrors;
  /** Whether the application may be called by several threads of this process at once. */
  'gateway.multithread': boolean;
  /** Whether other processes may be calling their own copy of the application. */
  'gateway.multiprocess': boolean;
  /** Whether this is the only request of this process, as under CGI. */
  'gateway.runOnce': boolean;
  /** PATH_INFO as it was sent, percent-encoding and all: only here `%2F` differs from `/`. Moves with PATH_INFO. */
  'gateway.rawPathInfo': string;
  /** Aborts when the client has gone before the response was complete. */
  'gateway.signal': AbortSignal;
  /** Sends 103 Early Hints, if the server and the protocol can. */
  'gateway.earlyHints'?: (headers: readonly GatewayHeader[]) => void;
  /** Header fields: `HTTP_` and the name in capitals with `_` for `-`. Middleware adds keys of its own, with a dot. */
  [key: string]: unknown;
}

export type GatewayHeader = readonly [name: string, value: string];

/**
 * Begins the response.
 *
 * @param status three digits, a space and a reason: `200 OK`
 * @param headers no hop-by-hop fields: the connection is the server's
 * @param error why a response that was begun is to be replaced. If the head has already been sent, the error is thrown
 * back
 */
export type StartResponse = (status: string, headers: readonly GatewayHeader[], error?: unknown) => void;

/**
 * A response's body in parts. `close()`, if there is one, is called once, however the response ends.
 * A generator's `return()` is called as for any iteration that is given up.
 */
export type Body = (Iterable<Uint8Array> | AsyncIterable<Uint8Array>) & { close?(): void | Promise<void> };

/**
 * An application. It calls `startResponse` before its body's first part that is not empty; an async generator may wait
 * for whatever it likes before that.
 */
export type GatewayApp = (environ: Environ, startResponse: StartResponse) => Body;

/** Wraps an application in another. */
export type Middleware = (app: GatewayApp) => GatewayApp;
