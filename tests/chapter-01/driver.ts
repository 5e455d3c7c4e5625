/** What the tests of chapter 01 do inside the process of the code under test. */
import { Socket } from 'node:net';
import type { Server } from 'node:net';
import { queryObjects } from 'node:v8';
import type * as Echo from '#subject/01-echo/index.ts';
import { driver, WrongResult } from '#support/driver.ts';
import type { Address } from '#support/tcp-client.ts';

export default driver<typeof Echo>()('01-echo', (chapter) => {
  const servers: Server[] = [];
  /** The servers' ends of all open connections. */
  const sockets = new Set<Socket>();
  /** What was read from connections that are closed. */
  let readBytesBefore = 0;
  let closing: Promise<void> | undefined;

  async function start(server: unknown, maker: string): Promise<Address> {
    if (!server || typeof (server as Partial<Server>).listen !== 'function') {
      throw new WrongResult(`${maker} must return a net.Server; it returned ${String(server)}`);
    }
    servers.push(server as Server);
    (server as Server).on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => {
        sockets.delete(socket);
        readBytesBefore += socket.bytesRead;
      });
    });
    await chapter.listen(server as Server, { host: '127.0.0.1', port: 0 });
    const bound = (server as Server).address();
    if (bound === null || typeof bound === 'string') {
      throw new WrongResult('listen resolved, but the server is not listening on a port');
    }
    return { host: '127.0.0.1', port: bound.port };
  }

  function isTooLong(error: unknown): boolean {
    return error instanceof Error && (error.name === 'LineTooLongError' || error instanceof chapter.LineTooLongError);
  }

  /** Whether a decoder that has thrown throws again, whatever it is given. */
  function staysDead(decoder: Echo.LineDecoder): boolean {
    try {
      decoder.receiveData(Buffer.from('\nnext\n'));
      decoder.nextEvent();
      return false;
    } catch (error) {
      if (isTooLong(error)) return true;
      throw error;
    }
  }

  /** Remembers how a promise ends, without anybody having to wait for it. */
  let closed: 'not called' | 'pending' | 'resolved' | string = 'not called';

  return {
    startEcho: async (...options: [{ connectionsMax: number }?]) => await start(chapter.createEchoServer(...options), 'createEchoServer'),

    /**
     * Breaks the server's end of the connection that came last, as Node does when the kernel reports an error that no
     * client can bring about at will.
     */
    breakNewest: (code: string) => {
      const newest = [...sockets].at(-1);
      if (!newest) throw new Error('nobody is connected');
      newest.destroy(Object.assign(new Error(`read ${code}`), { code, syscall: 'read' }));
    },

    /** Bytes that were read from all clients, and bytes written to them that the kernel has not taken yet. */
    traffic: () => ({
      readBytes: [...sockets].reduce((sum, socket) => sum + socket.bytesRead, readBytesBefore),
      queuedBytes: [...sockets].reduce((sum, socket) => sum + socket.writableLength, 0),
      // Read, and not given to the kernel yet: wherever it is kept, it is kept by the server.
      heldBytes: [...sockets].reduce((sum, socket) => sum + socket.bytesRead - (socket.bytesWritten - socket.writableLength), 0),
    }),

    startLines: async (options: { lineBytesMax?: number; connectionsMax?: number; shout?: boolean }) => {
      const { shout = false, ...rest } = options;
      const handler = shout ? { onLine: (line: string) => `${[...line].length}:${line.toUpperCase()}` } : {};
      return await start(chapter.createLineServer({ ...rest, ...handler }), 'createLineServer');
    },

    /** Feeds a decoder the pieces and returns all that comes out. */
    decode: (pieces: Uint8Array[], options: { lineBytesMax?: number; eof?: boolean }) => {
      const { eof = false, ...rest } = options;
      const decoder = new chapter.LineDecoder(rest);
      const lines: string[] = [];
      const drain = (): string => {
        for (let count = 0; count < 1_000_000; count++) {
          const event = decoder.nextEvent();
          if (event?.type === 'line') lines.push(event.line);
          else if (event?.type === 'needData' || event?.type === 'end') return event.type;
          else throw new WrongResult(`nextEvent must return a line, needData or end; it returned ${JSON.stringify(event)}`);
        }
        throw new WrongResult('nextEvent gave a million lines and never needData');
      };
      try {
        let last = 'needData';
        for (const piece of pieces) {
          decoder.receiveData(piece);
          last = drain();
        }
        if (eof) {
          decoder.receiveEof();
          drain();
          // The end stays the end, however often you ask.
          last = drain();
        }
        return { lines, last };
      } catch (error) {
        if (!isTooLong(error)) throw error;
        return { lines, last: staysDead(decoder) ? 'too long' : 'too long, and then it goes on' };
      }
    },

    /** Calls closeGracefully on the first server that is not closed, and returns at once. */
    beginClose: (deadlineMs?: number) => {
      const server = servers.find(({ listening }) => listening) ?? servers[0];
      if (!server) throw new Error('no server was started');
      closed = 'pending';
      const options = deadlineMs === undefined ? [] : [{ deadlineMs }];
      closing = Promise.resolve(chapter.closeGracefully(server, ...options));
      closing.then(
        () => (closed = 'resolved'),
        (error: unknown) => (closed = `rejected: ${String(error)}`),
      );
      return 'called';
    },

    /** The state of closeGracefully's promise. */
    closeState: () => closed,

    /** The timers that keep this process alive. */
    activeTimers: () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout'),

    /** How many sockets, closed or not, something still refers to. Collects garbage first. */
    socketsInMemory: () => queryObjects(Socket, { format: 'count' }),

    /** Waits for closeGracefully to resolve. */
    awaitClose: async () => {
      await closing;
      return 'resolved';
    },
  };
});
