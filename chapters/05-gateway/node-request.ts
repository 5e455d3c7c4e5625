/**
 * An environ as node's IncomingMessage, with its body, and the ServerResponse that answers it.
 *
 * What is special about them is on the objects themselves: Express gives them a prototype of its own, and a class of
 * ours would be forgotten.
 */

import { IncomingMessage, ServerResponse } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';

import type { Environ } from './gateway.ts';
import type { NodeSocket } from './node-socket.ts';
import { encodeScriptName, requestFields } from './request-fields.ts';

/** The request. Its body is read from `gateway.input`, a part whenever node wants one. */
export function nodeRequest(environ: Environ, socket: NodeSocket): IncomingMessage {
  const request = new IncomingMessage(socket as unknown as Socket);
  const url = (environ['gateway.rawPathInfo'] || '/') + (environ.QUERY_STRING === '' ? '' : `?${environ.QUERY_STRING}`);
  request.method = environ.REQUEST_METHOD;
  request.url = url;
  request.httpVersionMajor = 1;
  request.httpVersionMinor = environ.SERVER_PROTOCOL === 'HTTP/1.0' ? 0 : 1;
  request.httpVersion = `1.${request.httpVersionMinor}`;
  setHeaders(request, environ);
  const hasBody = environ.CONTENT_LENGTH !== undefined || environ['HTTP_TRANSFER_ENCODING'] !== undefined;
  readFrom(request, hasBody ? environ['gateway.input'][Symbol.asyncIterator]() : null, socket);
  // As connect and Express do it for an application that is mounted below a path.
  const baseUrl = encodeScriptName(environ.SCRIPT_NAME);
  if (baseUrl !== '') Object.assign(request, { baseUrl, originalUrl: baseUrl + url });
  return request;
}

function setHeaders(request: IncomingMessage, environ: Environ): void {
  const fields = requestFields(environ);
  const headers: IncomingHttpHeaders = {};
  const distinct: NodeJS.Dict<string[]> = {};
  for (const [name, value] of fields) {
    // Node has a list of these whatever their number.
    if (name === 'set-cookie') headers[name] = [value];
    else headers[name] = value;
    distinct[name] = [value];
  }
  request.rawHeaders = fields.flat();
  request.headers = headers;
  request.headersDistinct = distinct;
}

function readFrom(request: IncomingMessage, input: AsyncIterator<Buffer> | null, socket: NodeSocket): void {
  const end = (): void => {
    // Without it node would take the request for an aborted one.
    request.complete = true;
    request.push(null);
  };
  const take = ({ done, value }: IteratorResult<Buffer>): void => void (done === true ? end() : request.push(value));
  const fail = (error: Error): void => {
    // To destroy the request is to destroy its socket, as on node: the answer is the server's, by the error as it came.
    socket.fail(error);
    request.destroy(asAborted(error));
  };
  const noteReading = request._read;
  request._read = (size) => {
    // Node's own keeps a note that somebody has begun to read: without it, it would ask for one part and no more.
    noteReading.call(request, size);
    // What is read when the response is over, by node's own `resume()` for one, drops what is left (G37, G70).
    if (input === null || socket.complete) end();
    else input.next().then(take).catch(fail);
  };
}

/** The error of an upload that breaks off, as handlers know it from node, with the status of ours. */
function asAborted(error: Error): Error {
  const status = 'status' in error ? error.status : 400;
  return Object.assign(new Error('aborted', { cause: error }), { code: 'ECONNRESET', status });
}

/** The response. What it writes goes to the socket; the part of node's server is played here. */
export function nodeResponse(request: IncomingMessage, socket: NodeSocket): ServerResponse {
  const response = new ServerResponse(request);
  response.assignSocket(socket as unknown as Socket);
  socket.on('drain', () => response.emit('drain'));
  response.on('finish', () => {
    socket.finish();
    // As node's server does it: a request that nobody has read ends with its response.
    if (!request.readableEnded && !request.destroyed && request.readableFlowing !== true) request.resume();
    // Node's server says `close` after `finish`; so does a socket that ends. Not within the write that has finished it.
    process.nextTick(() => socket.destroy());
  });
  // Node's own keeps in mind that it is full until its server, which is not here, tells it otherwise.
  Object.defineProperty(response, 'writableNeedDrain', needDrain);
  return response;
}

const needDrain: PropertyDescriptor & ThisType<ServerResponse> = {
  get() {
    return !this.destroyed && !this.writableEnded && (this.socket?.writableNeedDrain ?? false);
  },
};
