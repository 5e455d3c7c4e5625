/**
 * An environ as Node's IncomingMessage, with its body, and the ServerResponse that answers it.
 *
 * Our own methods are on the objects themselves: Express gives them a prototype of its own, so a class of ours would be
 * lost.
 */

import { IncomingMessage, ServerResponse } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';

import type { Environ } from './gateway.ts';
import type { NodeSocket } from './node-socket.ts';
import { encodeScriptName, requestFields } from './request-fields.ts';

/** The request. Its body is read from `gateway.input`, a part whenever Node wants one. */
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
  // As connect and Express do for an application that is mounted below a path.
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
    // Without this, Node would take the request for an aborted one.
    request.complete = true;
    request.push(null);
  };
  const take = ({ done, value }: IteratorResult<Buffer>): void => void (done === true ? end() : request.push(value));
  const fail = (error: Error): void => {
    // Destroying the request destroys its socket, as on Node; the server answers, according to the error as it came.
    socket.fail(error);
    request.destroy(asAborted(error));
  };
  const noteReading = request._read;
  request._read = (size) => {
    // Node's own `_read` notes that reading has begun: without that note, Node would ask for only one part.
    noteReading.call(request, size);
    // A read after the response is over, such as by Node's own `resume()`, discards what is left (G37, G70).
    if (input === null || socket.complete) end();
    else input.next().then(take).catch(fail);
  };
}

/** The error of an upload that breaks off, as handlers know it from Node, with our error's status. */
function asAborted(error: Error): Error {
  const status = 'status' in error ? error.status : 400;
  return Object.assign(new Error('aborted', { cause: error }), { code: 'ECONNRESET', status });
}

/** The response. What it writes goes to the socket; this code plays the part of Node's server. */
export function nodeResponse(request: IncomingMessage, socket: NodeSocket): ServerResponse {
  const response = new ServerResponse(request);
  response.assignSocket(socket as unknown as Socket);
  socket.on('drain', () => response.emit('drain'));
  response.on('finish', () => {
    socket.finish();
    // As in Node's server, a request that was not read ends with its response.
    if (!request.readableEnded && !request.destroyed && request.readableFlowing !== true) request.resume();
    // Node's server emits `close` after `finish`, and so does a socket that ends; but not during the write that
    // finished the response.
    process.nextTick(() => socket.destroy());
  });
  // Node's own property stays true until Node's server, which is absent here, resets it.
  Object.defineProperty(response, 'writableNeedDrain', needDrain);
  return response;
}

const needDrain: PropertyDescriptor & ThisType<ServerResponse> = {
  get() {
    return !this.destroyed && !this.writableEnded && (this.socket?.writableNeedDrain ?? false);
  },
};
