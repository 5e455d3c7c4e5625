/** The application of 8.2: by the path, it reads and answers in those ways for which time matters. */
import type { AsyncApp, HttpScope, Receive, Send } from '#subject/06-websocket/index.ts';

/** A part of a stream, and a body that fits into few of the buffers on its way. */
const PART_BYTES = 64 * 1024;
const MEDIUM_BYTES = 200_000;
/** More than all buffers between a server and a client hold. */
const LARGE_BYTES = 32 * 1024 * 1024;

type Path = (scope: HttpScope, receive: Receive, send: Send) => Promise<void>;

export interface ClockedCounts {
  /** Streams that are being sent. */
  streaming: number;
  /** Requests that wait for something, and those of them that were told by their signal to give up. */
  waiting: number;
  aborted: number;
}

export class Clocked {
  readonly counts: ClockedCounts = { streaming: 0, waiting: 0, aborted: 0 };
  #gate = Promise.withResolvers<void>();

  /** Answers its own paths, and leaves all others to the other application. */
  around(other: AsyncApp): AsyncApp {
    return async (scope, receive, send) => {
      const path = scope.type === 'http' ? this.#paths[scope.path] : undefined;
      if (path !== undefined) await path(scope as HttpScope, receive, send);
      else if (scope.type === 'http' && scope.path === '/read-late') {
        // Nothing of the body is read before the gate opens.
        await this.#gate.promise;
        await other(scope, receive, send);
      } else await other(scope, receive, send);
    };
  }

  release(): void {
    this.#gate.resolve();
    this.#gate = Promise.withResolvers();
  }

  readonly #paths: Readonly<Record<string, Path>> = {
    '/unread': async (_scope, _receive, send) => await answer(send, Buffer.from('not read')),
    // Whatever is wrong with the body, it answers.
    '/stubborn': async (_scope, receive, send) => {
      try {
        for (let event = await receive(); event.type === 'http.request' && event.moreBody; event = await receive());
      } catch {
        // That is what makes it stubborn.
      }
      await answer(send, Buffer.from('whatever'));
    },
    '/endless': async (_scope, _receive, send) => {
      this.counts.streaming++;
      try {
        await begin(send);
        for (const part = Buffer.alloc(PART_BYTES, 'x'); ;) await send({ type: 'http.response.body', body: part, moreBody: true });
      } catch {
        // Its client has gone.
      } finally {
        this.counts.streaming--;
      }
    },
    '/medium': async (_scope, _receive, send) => await answer(send, Buffer.alloc(MEDIUM_BYTES, 'x')),
    '/large': async (_scope, _receive, send) => await answer(send, Buffer.alloc(LARGE_BYTES, 'x')),
    // A part, nothing for a while, another part.
    '/pauses': async (_scope, _receive, send) => {
      await begin(send);
      await send({ type: 'http.response.body', body: Buffer.from('first,'), moreBody: true });
      await this.#wait();
      await send({ type: 'http.response.body', body: Buffer.from('last') });
    },
    '/waits': async (_scope, _receive, send) => {
      await this.#wait();
      await answer(send, Buffer.from('waited'));
    },
    '/never': async (scope) => await this.#untilAborted(scope),
    '/begun': async (scope, _receive, send) => {
      await begin(send);
      await send({ type: 'http.response.body', body: Buffer.from('begun'), moreBody: true });
      await this.#untilAborted(scope);
    },
  };

  async #wait(): Promise<void> {
    this.counts.waiting++;
    await this.#gate.promise;
    this.counts.waiting--;
  }

  async #untilAborted({ signal }: HttpScope): Promise<void> {
    this.counts.waiting++;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    this.counts.waiting--;
    this.counts.aborted++;
  }
}

async function begin(send: Send): Promise<void> {
  await send({ type: 'http.response.start', status: 200, headers: [['Content-Type', 'text/plain']] });
}

async function answer(send: Send, body: Uint8Array): Promise<void> {
  await begin(send);
  await send({ type: 'http.response.body', body });
}
