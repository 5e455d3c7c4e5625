/**
 * The program: `npm run serve chapter-01 -- --port 7000 [--lines]`.
 *
 * Exit codes: 0 stopped, 1 could not start or stop, 2 wrong arguments.
 */
import { parseArgs } from 'node:util';
import { closeGracefully, createEchoServer, createLineServer, listen } from './index.ts';

const USAGE = 'usage: main.ts [--port N] [--host ADDRESS] [--lines]';

function settings(): { port: number; host: string; lines: boolean } {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '7000' },
      host: { type: 'string', default: '127.0.0.1' },
      lines: { type: 'boolean', default: false },
    },
  });
  const port = /^\d+$/.test(values.port) ? Number(values.port) : NaN;
  if (!(port <= 65535)) throw new Error(`--port ${values.port}: a port is a number from 0 to 65535`);
  return { ...values, port };
}

function exit(code: number, error: unknown): never {
  console.error(error instanceof Error ? error.message : error);
  if (code === 2) console.error(USAGE);
  process.exit(code);
}

async function main(): Promise<void> {
  let options;
  try {
    options = settings();
  } catch (error) {
    exit(2, error);
  }
  const server = options.lines ? createLineServer() : createEchoServer();

  const stop = async (): Promise<void> => {
    // The second signal finds no listener and ends the program at once.
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await closeGracefully(server, { deadlineMs: 5000 });
  };
  const onSignal = (): void => void stop().catch((error: unknown) => exit(1, error));
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);

  // A program that waits for this line may send a signal right after it, so it comes last.
  const { address, port, family } = await listen(server, options);
  console.log(`listening on tcp://${family === 'IPv6' ? `[${address}]` : address}:${port}`);
}

await main().catch((error: unknown) => exit(1, error));
