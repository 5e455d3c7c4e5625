/**
 * A socket's events, handed to its reader, without new functions for each of ten thousand sockets.
 */

import type { Socket } from 'node:net';

export interface SocketReader {
  receiveData(chunk: Buffer): void;
  /** The other side has ended. */
  receiveEnd(): void;
  /** The socket has closed: nothing else will come. */
  socketClosed(): void;
}

const reader = Symbol('reader');

interface ReadSocket extends Socket {
  [reader]: SocketReader;
}

/** Begins to read; for a socket without listeners. */
export function readSocket(socket: Socket, to: SocketReader): void {
  (socket as ReadSocket)[reader] = to;
  socket.on('data', onData).on('end', onEnd).on('close', onClose);
  // What went wrong with a socket is of no use to anyone: `close` follows.
  socket.on('error', ignore);
  // What has happened before we listened is not told again: the end of the socket, or of the other side. It comes after
  // the bytes that the previous reader still hands over in this turn.
  if (socket.destroyed) process.nextTick(() => to.socketClosed());
  else if (socket.readableEnded) process.nextTick(() => to.receiveEnd());
}

function onData(this: ReadSocket, chunk: Buffer): void {
  this[reader].receiveData(chunk);
}

function onEnd(this: ReadSocket): void {
  this[reader].receiveEnd();
}

function onClose(this: ReadSocket): void {
  this[reader].socketClosed();
}

function ignore(): void {}
