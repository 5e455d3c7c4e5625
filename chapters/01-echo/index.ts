/**
 * Chapter 01, a raw socket: the only door into this chapter.
 *
 * Later chapters and the tests import from here and from nowhere deeper.
 */
export { CONNECTIONS_MAX, createEchoServer } from './echo.ts';
export type { EchoServerOptions } from './echo.ts';
export { createLineServer } from './line-server.ts';
export type { LineHandler, LineServerOptions } from './line-server.ts';
export { LINE_BYTES_MAX, LineDecoder, LineTooLongError } from './line-decoder.ts';
export type { LineDecoderOptions, LineEvent } from './line-decoder.ts';
export { listen } from './listen.ts';
export type { ListenAddress } from './listen.ts';
export { reportDetached } from './detached.ts';
export { closeGracefully, DEADLINE_MS, trackConnections } from './close.ts';
export type { CloseOptions } from './close.ts';
export { socketTimeoutMs, startDeadline, TIMER_MS_MAX } from './deadline.ts';
export type { Deadline } from './deadline.ts';
