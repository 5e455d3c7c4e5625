/**
 * Serves an application to the open internet:
 *
 *     main.ts MODULE:EXPORT [--bind HOST:PORT] [--certificate CERTIFICATE.pem,KEY.pem] …
 *
 * SIGHUP reads the certificates again. SIGINT and SIGTERM let responses finish. With `--workers`, a supervisor takes them.
 *
 * Exit codes: 0 stopped by a signal; 1 no such address or application, or a certificate that cannot be used; 2 wrong arguments;
 * below a supervisor also those of chapter 07.
 */

import { reportDetached } from '../01-echo/index.ts';
import { loadAsyncApp } from '../06-websocket/index.ts';
import { SettingsError } from '../07-prefork/index.ts';
import { serveProduction } from './serve.ts';
import type { ProductionServer } from './serve.ts';
import { helpText, parseSettings } from './settings.ts';
import type { Settings } from './settings.ts';
import { superviseProduction } from './workers.ts';

/** Starts the server and says where. Resolves to an exit code if it does not run. */
export async function main(argv: readonly string[]): Promise<number | undefined> {
  try {
    const settings: Settings | null = parseSettings(argv);
    if (settings === null) {
      console.log(helpText());
      return 0;
    }
    if (settings.workers > 0) return await superviseProduction(settings);
    const server = await serveProduction(await loadAsyncApp(settings.app, 'auto'), settings);
    listenToSignals(server, settings.drainDelayMs);
    console.log(`listening on ${server.origin}`);
    if (server.redirectOrigin !== null) console.log(`redirecting ${server.redirectOrigin}`);
    if (server.statusOrigin !== null) console.log(`telling ${server.statusOrigin}`);
    return undefined;
  } catch (error) {
    console.error(error instanceof Error ? error.message.split('\n')[0] : String(error));
    return error instanceof SettingsError ? 2 : 1;
  }
}

/** How long responses may take to finish once the server has said that it is not ready any more. */
const FINISH_MS = 10_000;

/** The first signal to stop lets responses finish. Nobody listens for the second, which ends the program at once. */
function listenToSignals(server: ProductionServer, drainDelayMs: number): void {
  const reload = (): void => {
    try {
      server.reload();
      console.log('the certificates were read again');
    } catch (error) {
      console.error(`the old certificates stay: ${(error as Error).message}`);
    }
  };
  const stop = (): void => {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    server.closeGracefully({ deadlineMs: drainDelayMs + FINISH_MS }).catch(reportDetached);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', reload);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
