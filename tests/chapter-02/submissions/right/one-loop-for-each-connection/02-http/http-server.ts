/** A server as one async loop for each connection: read a head, call the handler, write the response, begin again. */

import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import { bodyFraming } from './body-framing.ts';
import type { BodyFraming } from './body-framing.ts';
import { ChunkedDecoder } from './chunked-decoder.ts';
import { HttpError, LocalProtocolError, RemoteProtocolError } from './errors.ts';
import { parseFieldSection } from './field-line.ts';
import { HttpHeaders, noHeaders } from './headers.ts';
import type { HeaderPair } from './headers.ts';
import { checkHost } from './host.ts';
import { withDefaultLimits } from './limits.ts';
import type { HttpLimits } from './limits.ts';
import { expectsContinue, persists } from './persistence.ts';
import { parseRequestLine } from './request-line.ts';
import type { RequestLine } from './request-line.ts';
import { HttpResponse } from './response.ts';
import type { Handler } from './response.ts';
import { defaultTimeouts } from './timeouts.ts';
import type { HttpTimeouts } from './timeouts.ts';
import { listHas } from './token-list.ts';

export interface ServeOptions {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly fd?: number;
  readonly backlog?: number;
  readonly limits?: Partial<HttpLimits>;
  readonly timeouts?: Partial<HttpTimeouts>;
  readonly onError?: (error: unknown, request: unknown) => void;
  readonly refusalHeaders?: readonly HeaderPair[];
  readonly abortOnHalfClose?: boolean;
}

export interface CloseOptions {
  readonly deadlineMs?: number;
  readonly idleMs?: number;
}

/** The client has gone, or we have cut it off: nothing more to say. */
class Gone extends Error {}

/** What has come and was not read yet. */
class Input {
  bytes: Buffer = Buffer.alloc(0);
  ended = false;
  readonly socket: Socket;
  #wake: (() => void) | null = null;

  constructor(socket: Socket, keepBytes: number) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
      if (this.bytes.length > keepBytes) socket.pause();
      this.wake();
    });
    socket.on('end', () => {
      this.ended = true;
      this.wake();
    });
    socket.on('close', () => this.wake());
    socket.on('error', () => {});
  }

  wake(): void {
    this.#wake?.();
    this.#wake = null;
  }

  /** Waits for bytes or the end; false when the time is up. */
  async more(ms: number): Promise<boolean> {
    if (this.socket.destroyed) throw new Gone();
    let timer: NodeJS.Timeout | undefined;
    const inTime = await new Promise<boolean>((resolve) => {
      this.#wake = () => resolve(true);
      if (ms < 2 ** 31) timer = setTimeout(() => resolve(false), Math.max(1, ms));
      this.socket.resume();
    });
    clearTimeout(timer);
    this.#wake = null;
    if (this.socket.destroyed) throw new Gone();
    return inTime;
  }

  /** Whether a part of a head has come: an empty line is not a part, unless there are too many of them. */
  begun(emptyLinesMax: number): boolean {
    return this.bytes.length > 2 * emptyLinesMax + 1 || /^(?:\r\n)*(?:[^\r]|\r[^\n])/.test(this.bytes.toString('latin1'));
  }

  take(count: number): Buffer {
    const taken = this.bytes.subarray(0, count);
    this.bytes = this.bytes.subarray(count);
    return taken;
  }
}

class Request {
  readonly line: RequestLine;
  readonly headers: HttpHeaders;
  readonly framing: BodyFraming;
  readonly connection: Connection;
  readonly controller = new AbortController();
  waits: boolean;
  trailers: HttpHeaders = noHeaders;
  complete: boolean;
  broken: unknown;
  parts: AsyncGenerator<Buffer> | undefined;

  constructor(line: RequestLine, headers: HttpHeaders, connection: Connection) {
    this.line = line;
    this.headers = headers;
    this.connection = connection;
    this.framing = bodyFraming({ httpVersion: line.httpVersion, headers }, connection.server.limits);
    this.complete = this.framing.kind === 'none';
    this.waits = expectsContinue({ httpVersion: line.httpVersion, headers }) && !this.complete;
  }

  get method(): string { return this.line.method; }
  get target(): string { return this.line.target; }
  get form(): string { return this.line.form; }
  get httpVersion(): '1.0' | '1.1' { return this.line.httpVersion; }
  get signal(): AbortSignal { return this.controller.signal; }
  get remotePort(): number | undefined { return this.connection.socket.remotePort; }
  get remoteAddress(): string | undefined { return this.connection.socket.remoteAddress; }
  get path(): string { return this.#pathAndQuery().split('?', 1)[0] as string; }

  get query(): string {
    const all = this.#pathAndQuery();
    return all.includes('?') ? all.slice(all.indexOf('?') + 1) : '';
  }

  #pathAndQuery(): string {
    if (this.form !== 'absolute') return this.target;
    const rest = this.target.replace(/^[^:]+:\/\/[^/?]*/, '');
    return rest.startsWith('/') ? rest : `/${rest}`;
  }

  get body(): AsyncGenerator<Buffer> {
    return (this.parts ??= this.#read());
  }

  async bytes(max = this.connection.server.limits.heldBytesMax): Promise<Buffer> {
    let all = Buffer.alloc(0);
    for await (const part of this.body) {
      all = Buffer.concat([all, part]);
      if (all.length > max) throw (this.broken = new RemoteProtocolError(413, 'body too large'));
    }
    return all;
  }

  async text(max?: number): Promise<string> {
    return (await this.bytes(max)).toString();
  }

  sendInformational(status: number, headers: readonly HeaderPair[] = []): void {
    if (this.httpVersion === '1.0') return;
    this.connection.socket.write(headOf(status, '', headers), 'latin1');
  }

  async *#read(): AsyncGenerator<Buffer> {
    const { input, server } = this.connection;
    const { framing } = this;
    try {
      if (this.waits && input.bytes.length === 0) this.sendInformational(100);
      this.waits = false;
      if (framing.kind === 'length') {
        for (let left = framing.length; left > 0; ) {
          if (input.bytes.length === 0) await this.#more();
          const part = input.take(left);
          left -= part.length;
          if (left === 0) this.complete = true;
          if (part.length > 0) yield part;
        }
      } else if (framing.kind === 'chunked') {
        const decoder = new ChunkedDecoder(server.limits);
        for (;;) {
          const event = decoder.nextEvent();
          if (event.type === 'data') yield event.data;
          else if (event.type === 'end') {
            this.trailers = event.trailers;
            this.complete = true;
            input.bytes = Buffer.concat([decoder.unread(), input.bytes]);
            return;
          } else {
            if (input.bytes.length === 0) await this.#more();
            decoder.receiveData(input.take(input.bytes.length));
          }
        }
      }
    } catch (error) {
      this.broken = error;
      throw error;
    }
  }

  async #more(): Promise<void> {
    const { input, server } = this.connection;
    if (input.ended) throw new RemoteProtocolError(400, 'the body breaks off');
    if (!(await input.more(server.timeouts.bodyMs))) throw new RemoteProtocolError(408, 'the body takes too long');
  }
}

const TOKEN = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A head, in the simplest way. */
function headOf(status: number, reason: string, fields: readonly HeaderPair[]): string {
  if (!Number.isInteger(status) || status < 100 || status > 599) throw new LocalProtocolError(`no status: ${status}`);
  if (!VALUE.test(reason)) throw new LocalProtocolError('invalid reason');
  let head = `HTTP/1.1 ${status} ${reason}\r\n`;
  for (const [name, value] of fields) {
    if (!TOKEN.test(name) || !VALUE.test(value)) throw new LocalProtocolError(`invalid field ${name}`);
    head += `${name.toLowerCase()}: ${value}\r\n`;
  }
  return `${head}\r\n`;
}

class Connection {
  readonly server: HttpServer;
  readonly socket: Socket;
  readonly input: Input;
  /** Between two requests, with nothing of the next one here. */
  idle = true;
  request: Request | null = null;
  handedOver = false;

  constructor(server: HttpServer, socket: Socket) {
    this.server = server;
    this.socket = socket;
    this.input = new Input(socket, server.limits.pipelinedBytesMax);
    socket.on('close', () => this.request?.controller.abort());
    // A body that waits for something would never hear of it.
    socket.on('close', () => void this.#closeBody().catch((error: unknown) => server.onError(error, null)));
    if (server.abortOnHalfClose) socket.on('end', () => void (this.request !== null && socket.destroy()));
    socket.setNoDelay(true);
  }

  async run(): Promise<void> {
    try {
      while (await this.#exchange());
    } catch (error) {
      if (!(error instanceof Gone)) this.socket.destroy();
    }
    if (!this.handedOver) this.#end();
  }

  async #exchange(): Promise<boolean> {
    let request: Request | null;
    try {
      request = await this.#readHead();
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
      await this.#respond(this.#answerTo(error), null);
      return false;
    }
    if (request === null) return false;
    this.request = request;
    let response: HttpResponse;
    try {
      if (request.form === 'absolute' && /^https/i.test(request.target)) throw new HttpError(421);
      response = await this.server.handler(request as never);
      if (!(response instanceof HttpResponse)) throw new LocalProtocolError('the handler gave no response');
    } catch (error) {
      response = this.#answerTo(error);
    }
    if (this.socket.destroyed) {
      await closeBody(response.body);
      throw new Gone();
    }
    try {
      return await this.#respond(response, request);
    } catch (error) {
      if (error instanceof Gone || this.socket.destroyed) throw new Gone();
      // Not a byte of it has gone out.
      if (error instanceof LocalProtocolError) return await this.#respond(this.#answerTo(error), request);
      this.server.onError(error, request);
      return false;
    } finally {
      this.request = null;
    }
  }

  #answerTo(error: unknown): HttpResponse {
    if (error instanceof RemoteProtocolError) return this.#refusal(error.status, [['Connection', 'close']], error.message);
    if (error instanceof HttpError) return this.#refusal(error.status, error.headers, error.message);
    this.server.onError(error, this.request);
    return this.#refusal(500, [], 'Sorry.');
  }

  /** The fields of the site come after those of the error, and only where it has none of that name. */
  #refusal(status: number, own: readonly HeaderPair[], text: string): HttpResponse {
    const names = own.map(([name]) => name.toLowerCase());
    return new HttpResponse(status, [...own, ...this.server.refusalHeaders.filter(([name]) => !names.includes(name.toLowerCase()))], text);
  }

  async #readHead(): Promise<Request | null> {
    const { input, server } = this;
    const { emptyLinesMax } = server.limits;
    this.idle = !input.begun(emptyLinesMax);
    while (!input.begun(emptyLinesMax)) {
      if (input.ended || server.idleEnds || !(await input.more(server.timeouts.idleMs))) return null;
    }
    this.idle = false;
    const until = performance.now() + server.timeouts.headerMs;
    for (;;) {
      const request = this.#parseHead();
      if (request !== null) return request;
      if (input.ended) {
        if (input.bytes.toString('latin1').trim() === '') return null;
        throw new RemoteProtocolError(400, 'the head breaks off');
      }
      const left = until - performance.now();
      if (left <= 0 || !(await input.more(left))) throw new RemoteProtocolError(408, 'the head takes too long');
    }
  }

  #parseHead(): Request | null {
    const { input, server } = this;
    const { limits } = server;
    const text = input.bytes.toString('latin1', 0, limits.requestLineBytesMax + limits.headerBytesMax + 100);
    let start = 0;
    while (text.startsWith('\r\n', start)) start += 2;
    if (start > 2 * limits.emptyLinesMax) throw new RemoteProtocolError(400, 'too many empty lines');
    const lineFeed = text.indexOf('\n', start);
    if ((lineFeed === -1 ? text.length : lineFeed) - start > limits.requestLineBytesMax + 1) throw new RemoteProtocolError(414, 'too long');
    if (lineFeed === -1) return null;
    if (text[lineFeed - 1] !== '\r') throw new RemoteProtocolError(400, 'a line without CRLF');
    const line = parseRequestLine(text.slice(start, lineFeed - 1), limits);
    const offsets: number[] = [];
    const end = parseFieldSection(text, lineFeed + 1, limits.headerBytesMax, limits.headerCountMax, offsets);
    if (end === -1) return null;
    const headers = new HttpHeaders(text, offsets);
    checkHost(line, headers);
    if (line.method === 'CONNECT') throw new RemoteProtocolError(501, 'no tunnels here');
    const request = new Request(line, headers, this);
    input.take(end);
    return request;
  }

  /** @returns whether the connection goes on */
  async #respond(response: HttpResponse, request: Request | null): Promise<boolean> {
    const { socket, server } = this;
    const { status, body } = response;
    if (response.takeOver !== undefined) return this.#handOver(response, request);
    if (status < 200) throw new LocalProtocolError('no final status');
    const iterable = typeof body !== 'string' && !(body instanceof Uint8Array);
    if (iterable && (typeof body !== 'object' || body === null || !(Symbol.asyncIterator in body || Symbol.iterator in body))) throw new LocalProtocolError('no body');
    const bytes = typeof body === 'string' ? Buffer.from(body) : body instanceof Uint8Array ? body : undefined;
    const method = request === null ? /^(?:\r\n)*(HEAD)(?: |$)/.exec(this.input.bytes.toString('latin1'))?.[1] : request.method;
    const bodiless = method === 'HEAD' || [204, 205, 304].includes(status);
    let declared: number | undefined;
    let close = request === null || !persists(request) || server.closing || request.broken !== undefined || !request.complete || request.waits;
    const fields: HeaderPair[] = [];
    this.#body = iterable ? body : null;
    try {
      for (const [name, value] of response.headers) {
        const lower = name.toLowerCase();
        if (lower === 'content-length') {
          if (declared !== undefined || !/^\d{1,15}$/.test(value)) throw new LocalProtocolError('a bad Content-Length');
          declared = Number(value);
        } else if (lower === 'transfer-encoding') {
          if (value.toLowerCase() !== 'chunked') throw new LocalProtocolError('an unknown coding');
        } else if (lower === 'connection' && /^(close|keep-alive)$/i.test(value)) close ||= value.toLowerCase() === 'close';
        else fields.push([name, value]);
      }
      if (!bodiless && bytes && declared !== undefined && declared !== bytes.length) throw new LocalProtocolError('the length is another one');
      const known = bodiless ? undefined : (declared ?? bytes?.length);
      const chunked = !bodiless && known === undefined && request?.httpVersion !== '1.0';
      if (!bodiless && known === undefined && !chunked) close = true;
      if (chunked) fields.push(['Transfer-Encoding', 'chunked']);
      else if (known !== undefined) fields.push(['Content-Length', String(known)]);
      else if (status === 205) fields.push(['Content-Length', '0']);
      if (!fields.some(([name]) => name.toLowerCase() === 'date')) fields.push(['Date', new Date().toUTCString()]);
      if (close) fields.push(['Connection', 'close']);
      else if (request?.httpVersion === '1.0') fields.push(['Connection', 'keep-alive']);
      const head = headOf(status, response.reason ?? '', fields);
      socket.write(head, 'latin1');
      if (bodiless) return !close;
      if (bytes) {
        if (bytes.length > 0) await this.#write(bytes);
        return !close;
      }
      if (!(await this.#stream(body as AsyncIterable<string | Uint8Array>, known, chunked))) return false;
      if (chunked) {
        const trailers = headOf(200, '', response.trailers?.() ?? []);
        socket.write(`0\r\n${trailers.slice(trailers.indexOf('\r\n') + 2)}`, 'latin1');
      }
      return !close;
    } catch (error) {
      // Nobody can mend what fails after the head.
      if (error instanceof LocalProtocolError && socket.bytesWritten > this.#sentBefore) throw new Error(error.message);
      throw error;
    } finally {
      this.#sentBefore = socket.bytesWritten;
      await this.#closeBody();
    }
  }

  #sentBefore = 0;
  /** What is being sent, until it is closed. */
  #body: unknown = null;

  async #closeBody(): Promise<void> {
    const body = this.#body;
    this.#body = null;
    await closeBody(body);
  }

  async #stream(body: AsyncIterable<string | Uint8Array>, length: number | undefined, chunked: boolean): Promise<boolean> {
    let left = length ?? Infinity;
    for await (const part of body) {
      if (this.socket.destroyed) throw new Gone();
      const bytes = Buffer.from(part as string);
      if (bytes.length > left) {
        this.server.onError(new LocalProtocolError('the body is too long'), this.request);
        await this.#write(bytes.subarray(0, left));
        return true;
      }
      left -= bytes.length;
      if (bytes.length > 0) await this.#write(chunked ? Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]) : bytes);
      await new Promise(setImmediate);
    }
    if (left > 0 && left !== Infinity) throw new Error('the body is too short');
    return true;
  }

  /** Each piece has the whole of sendMs: slow clients get large bodies, too. */
  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += 65_536) await this.#writePiece(bytes.subarray(at, at + 65_536));
  }

  async #writePiece(bytes: Uint8Array): Promise<void> {
    const { socket } = this;
    if (socket.write(bytes)) return;
    const timer = setTimeout(() => socket.destroy(), Math.min(this.server.timeouts.sendMs, 2 ** 31 - 1));
    await new Promise<void>((resolve) => {
      socket.once('drain', resolve).once('close', resolve);
      if (socket.destroyed) resolve();
    });
    clearTimeout(timer);
    if (socket.destroyed) throw new Gone();
  }

  #handOver(response: HttpResponse, request: Request | null): boolean {
    const { socket, input } = this;
    const asked = request?.httpVersion === '1.1' && request.headers.has('upgrade') && listHas(request.headers.get('connection'), 'upgrade');
    if (!asked) throw new LocalProtocolError('101 to a client that did not ask for it');
    socket.write(headOf(101, '', response.headers), 'latin1');
    for (const event of ['data', 'end', 'error']) socket.removeAllListeners(event);
    this.handedOver = true;
    try {
      response.takeOver?.(socket, input.take(input.bytes.length));
    } catch {
      socket.destroy();
    }
    return false;
  }

  /** Ends our side, and hears the client out for a while: an RST would cost it the answer. */
  #end(): void {
    const { socket } = this;
    if (socket.destroyed) return;
    socket.removeAllListeners('data').on('data', () => {}).resume();
    const timer = setTimeout(() => socket.destroy(), Math.min(this.server.timeouts.lingerMs, 2 ** 31 - 1));
    socket.once('close', () => clearTimeout(timer));
    socket.end();
  }
}

async function closeBody(body: unknown): Promise<void> {
  const close = (body as { close?: () => unknown } | null)?.close;
  if (typeof body === 'object' && typeof close === 'function') await close.call(body);
}

export class HttpServer {
  readonly server: Server;
  readonly handler: Handler;
  readonly limits: HttpLimits;
  readonly timeouts: HttpTimeouts;
  readonly onError: (error: unknown, request: unknown) => void;
  readonly refusalHeaders: readonly HeaderPair[];
  readonly abortOnHalfClose: boolean;
  readonly all = new Map<Socket, Connection>();
  closing = false;
  /** Connections between two requests end. */
  idleEnds = false;
  #closed: Promise<void> | null = null;

  constructor(handler: Handler, options: ServeOptions = {}) {
    this.handler = handler;
    this.limits = withDefaultLimits(options.limits);
    this.timeouts = { ...defaultTimeouts, ...options.timeouts };
    this.onError = options.onError ?? ((error) => console.error(error));
    this.refusalHeaders = (options.refusalHeaders ?? []).filter(([name]) => !/^(connection|content-length|transfer-encoding|trailer|upgrade)$/i.test(name));
    headOf(200, '', this.refusalHeaders);
    this.abortOnHalfClose = options.abortOnHalfClose ?? false;
    this.server = createServer({ allowHalfOpen: true }, (socket) => {
      const connection = new Connection(this, socket);
      this.all.set(socket, connection);
      socket.on('close', () => this.all.delete(socket));
      void connection.run();
    });
  }

  async listen({ host = '127.0.0.1', port = 0, path, fd, backlog = 511 }: ServeOptions = {}): Promise<void> {
    const where = fd !== undefined ? { fd } : path !== undefined ? { path } : { port, host };
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject).listen({ ...where, backlog }, resolve);
    });
  }

  get address(): AddressInfo | string {
    const address = this.server.address();
    if (address === null) throw new Error('the server does not listen');
    return address;
  }

  get origin(): string {
    if (typeof this.address === 'string') return 'http://localhost';
    const { address, port } = this.address;
    return `http://${address}:${port}`;
  }

  get connections(): number {
    return this.all.size;
  }

  async closeGracefully({ deadlineMs = 10_000, idleMs = 0 }: CloseOptions = {}): Promise<void> {
    this.closing = true;
    this.#closed ??= new Promise<void>((resolve) => this.server.close(() => resolve()));
    const endIdle = (): void => {
      this.idleEnds = true;
      for (const { idle, input } of this.all.values()) if (idle) input.wake();
    };
    if (idleMs <= 0) endIdle();
    const timers = [
      setTimeout(endIdle, Math.min(idleMs, 2 ** 31 - 1)),
      setTimeout(() => {
        for (const socket of this.all.keys()) socket.destroy();
      }, Math.min(deadlineMs, 2 ** 31 - 1)),
    ];
    await this.#closed;
    timers.forEach((timer) => clearTimeout(timer));
  }

  async close(): Promise<void> {
    await this.closeGracefully({ deadlineMs: 0 });
  }
}

export async function serveHttp(handler: Handler, options: ServeOptions = {}): Promise<HttpServer> {
  const server = new HttpServer(handler, options);
  await server.listen(options);
  return server;
}
