/** The tests' own applications on the server under test, and what is known about them afterwards. */
import type * as Http from '#subject/02-http/index.ts';
import type * as Gateway from '#subject/05-gateway/index.ts';
import type { LoadChapter } from '#support/driver.ts';
import type { Address } from '#support/tcp-client.ts';

export type Chapter = typeof Gateway;
export type App = Gateway.GatewayApp;

/** Serves applications through the gateway, and keeps what was reported. */
export class Stage {
  readonly chapter: Chapter;
  readonly #load: LoadChapter;
  /** What was written to `gateway.errors`. */
  readonly written: string[] = [];
  /** The messages of the errors that were reported to the server. */
  readonly reported: string[] = [];

  constructor(chapter: Chapter, load: LoadChapter) {
    this.chapter = chapter;
    this.#load = load;
  }

  async serve(app: App): Promise<Address> {
    const http = (await this.#load('02-http')) as typeof Http;
    const onError = (error: unknown): void => this.report(error);
    const handler = this.chapter.toHandler(app, { onError, errors: this.errors });
    const server = await http.serveHttp(handler, { host: '127.0.0.1', port: 0, onError });
    const address = server.address as { port: number };
    return { host: '127.0.0.1', port: address.port };
  }

  readonly errors = { write: (text: string): void => void this.written.push(text) };

  /** An exercise that is not written yet is thrown on, to be reported as such; any other error is kept. */
  readonly report = (error: unknown): void => {
    if (error instanceof Error && 'exercise' in error) process.nextTick(() => { throw error; });
    this.reported.push(error instanceof Error ? error.message : String(error));
  };
}

/** A gate that opens once; whatever waits for it then goes on. */
export class Gate {
  #resolve: () => void = () => {};
  readonly opened = new Promise<void>((resolve) => (this.#resolve = resolve));

  open(): void {
    this.#resolve();
  }
}
