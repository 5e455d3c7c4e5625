/**
 * HTTP over the hostile client: requests as bytes, responses read strictly.
 *
 *     const http = new HttpClient(await world.connect(server));
 *     http.send('GET', '/a').send('GET', '/b');        two requests in the pipeline
 *     const a = await http.response();                 the first final response
 *
 * It counts: which requests were sent, which responses came, what is left over.
 */
import { count, showBytes } from './bytes.ts';
import { CheckFailure } from './failure.ts';
import type { FailureReport } from './failure.ts';
import { HttpFault, readResponse } from './http-response.ts';
import type { HttpTestResponse, Incomplete } from './http-response.ts';
import type { TcpClient } from './tcp-client.ts';

/** Field lines, in order. */
export type Fields = readonly (readonly [name: string, value: string])[];

export interface RequestOptions {
  fields?: Fields;
  body?: Uint8Array | string;
  /** Sends the body in chunks of these pieces instead of with a Content-Length. */
  chunks?: readonly (Uint8Array | string)[];
  trailers?: Fields;
  version?: string;
  /** The Host field's value; null leaves it out. Default `localhost`. */
  host?: string | null;
}

/** A request as bytes, right by RFC 9112. What is wrong on purpose, tests write out by hand. */
export function requestBytes(method: string, target: string, options: RequestOptions = {}): Buffer {
  const { fields = [], body, chunks, trailers = [], version = 'HTTP/1.1', host = 'localhost' } = options;
  const lines = [`${method} ${target} ${version}`];
  if (host !== null) lines.push(`Host: ${host}`);
  for (const [name, value] of fields) lines.push(`${name}: ${value}`);
  const content = body === undefined ? undefined : Buffer.from(body as string);
  if (content) lines.push(`Content-Length: ${content.length}`);
  if (chunks) lines.push('Transfer-Encoding: chunked');
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return Buffer.concat([head, content ?? Buffer.alloc(0), ...(chunks ? [chunkedBytes(chunks, trailers)] : [])]);
}

/** A body in the chunked coding, with its trailers. */
export function chunkedBytes(chunks: readonly (Uint8Array | string)[], trailers: Fields = []): Buffer {
  const parts = chunks.flatMap((chunk) => {
    const data = Buffer.from(chunk as string);
    return [Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')];
  });
  const end = `0\r\n${trailers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  return Buffer.concat([...parts, Buffer.from(end, 'latin1')]);
}

export class HttpClient {
  readonly tcp: TcpClient;
  readonly #methods: string[] = [];
  readonly #interim: HttpTestResponse[] = [];
  #at = 0;
  #answered = 0;

  constructor(tcp: TcpClient) {
    this.tcp = tcp;
  }

  /** The interim responses (1xx) that came before the last final one. */
  get interim(): readonly HttpTestResponse[] {
    return this.#interim;
  }

  /** Sends one request in one write. */
  send(method: string, target: string, options: RequestOptions = {}): this {
    return this.sendBytes(requestBytes(method, target, options), [method]);
  }

  /**
   * Sends bytes as they are.
   *
   * @param methods of the requests that the bytes hold: HEAD has no body in its answer
   */
  sendBytes(bytes: Uint8Array | string, methods: readonly string[] = ['GET']): this {
    this.#methods.push(...methods);
    this.tcp.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return this;
  }

  /** Announces requests whose bytes are sent in another way, byte by byte say. */
  announce(...methods: readonly string[]): this {
    this.#methods.push(...methods);
    return this;
  }

  /** Waits for the next final response; interim ones are kept in {@link interim}. */
  async response(report: Partial<FailureReport> & { patienceMs?: number } = {}): Promise<HttpTestResponse> {
    const method = this.#methods[this.#answered] ?? 'GET';
    for (;;) {
      let found: HttpTestResponse | Incomplete = { incomplete: 'status line' };
      let fault: unknown;
      const complete = (): boolean => {
        try {
          found = readResponse(this.tcp.received, this.#at, method, this.tcp.ended);
          return !('incomplete' in found);
        } catch (error) {
          fault = error;
          return true;
        }
      };
      try {
        await this.tcp.until(complete, { expected: `the ${this.#answered === 0 ? '' : 'next '}response, complete`, ...report });
      } catch (error) {
        throw this.#explain(error, found);
      }
      if (fault !== undefined) throw this.#asFailure(fault);
      const response = found as unknown as HttpTestResponse;
      this.#at = response.end;
      if (response.status >= 200 || response.status === 101) {
        this.#answered++;
        return response;
      }
      this.#interim.push(response);
    }
  }

  /** Waits until the server closes, and gives the final responses that came, all of them complete. */
  async responsesToEnd(report: Partial<FailureReport> & { patienceMs?: number } = {}): Promise<HttpTestResponse[]> {
    await this.tcp.readToEnd({ expected: 'the server closes the connection', ...report });
    const responses: HttpTestResponse[] = [];
    while (this.#at < this.tcp.receivedBytes) responses.push(await this.response(report));
    return responses;
  }

  /** The final responses that are there, without waiting; faults in them are thrown. */
  completeResponses(): HttpTestResponse[] {
    const responses: HttpTestResponse[] = [];
    try {
      while (this.#at < this.tcp.receivedBytes) {
        const found = readResponse(this.tcp.received, this.#at, this.#methods[this.#answered] ?? 'GET', this.tcp.ended);
        if ('incomplete' in found) break;
        this.#at = found.end;
        if (found.status >= 200 || found.status === 101) {
          this.#answered++;
          responses.push(found);
        } else {
          this.#interim.push(found);
        }
      }
    } catch (error) {
      throw this.#asFailure(error);
    }
    return responses;
  }

  /** The stream's bytes after the last response that was read. */
  get leftOver(): Buffer {
    return this.tcp.received.subarray(this.#at);
  }

  #asFailure(error: unknown): unknown {
    if (!(error instanceof HttpFault)) return error;
    return new CheckFailure({
      kind: 'wrong bytes',
      sent: this.tcp.describeSent(),
      expected: error.rule,
      ...error.show(this.tcp.received),
    });
  }

  /** Says how far the response had come when the wait ended. */
  #explain(error: unknown, found: HttpTestResponse | Incomplete): unknown {
    if (!(error instanceof CheckFailure) || !('incomplete' in found)) return error;
    const received = this.tcp.receivedBytes - this.#at;
    if (received === 0) return error;
    const { incomplete, promisedBytes, bodyBytes } = found;
    const what =
      promisedBytes !== undefined ? `a body of ${count(bodyBytes ?? 0, 'byte')} where Content-Length says ${promisedBytes}` : `a response that breaks off in its ${incomplete}`;
    const shown = showBytes(this.leftOver, 44);
    return new CheckFailure({ ...error.report, received: `${shown}: ${what}${this.tcp.ended ? ', then the connection was closed' : ', then nothing more'}` });
  }
}
