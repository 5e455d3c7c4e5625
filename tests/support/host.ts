/**
 * The process in which the code under test runs.
 *
 *     node host.ts TREE DRIVER [shared]
 *
 * It loads TREE/<the driver's folder>/index.ts, gives it to the driver, and then
 * does what the test process asks for. Whatever happens in here (a loop without
 * end, an exit, an uncaught error) happens to this process alone.
 */
import { existsSync } from 'node:fs';
import { flushCompileCache, registerHooks } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MissingExport } from './driver.ts';
import type { Driver } from './driver.ts';
import type { DescribedError, FromHost, ToHost } from './messages.ts';

const [tree, driverFile] = process.argv.slice(2, 4).map((path) => resolve(path)) as [string, string];
const shared = process.argv[4] === 'shared';
const project = fileURLToPath(new URL('../../', import.meta.url));

// The learner's code may do what it likes with `process`; we keep our own line out.
const send = process.send?.bind(process) as (message: FromHost) => void;

/** The first stack frame inside the tree, as `file:line`. */
function placeOf(error: Error): string | undefined {
  const lines = `${error.stack ?? ''}`.split('\n');
  for (const line of lines) {
    const match = /(file:\/\/[^\s)]+?|(?:\/|[A-Za-z]:\\)[^\s)]*?):(\d+)(?::\d+)?\)?$/.exec(line.trim());
    if (!match) continue;
    const path = match[1]?.startsWith('file:') ? fileURLToPath(match[1]) : String(match[1]);
    if (path.startsWith(tree)) return `${relative(project, path)}:${match[2]}`;
  }
  return undefined;
}

function describe(thrown: unknown): DescribedError {
  if (!(thrown instanceof Error)) return { name: 'thrown value', message: String(thrown) };
  const at = placeOf(thrown);
  const { code, exercise } = thrown as { code?: unknown; exercise?: unknown };
  return {
    name: thrown.name,
    message: thrown.message,
    ...(at === undefined ? {} : { at }),
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof exercise === 'string' ? { exercise } : {}),
  };
}

const TELL_EVERY_MS = 200;
let toldAt = performance.now();

// A tree outside the project has no node_modules and no `#course/…` of its own.
registerHooks({
  resolve(specifier, context, next) {
    // Files are read and compiled in one turn of the loop: this is how the test process knows that they are.
    if (performance.now() - toldAt > TELL_EVERY_MS) {
      send({ type: 'loading' });
      toldAt = performance.now();
    }
    try {
      return next(specifier, context);
    } catch (error) {
      if (/^(\.|\/|file:)/.test(specifier)) throw error;
      return next(specifier, { ...context, parentURL: pathToFileURL(join(project, 'package.json')).href });
    }
  },
});

process.on('uncaughtExceptionMonitor', (error) => send({ type: 'uncaught', error: describe(error) }));
// From the first line on: a chapter that waits while it loads is slow, not blocked.
process.on('message', (message: ToHost) => {
  if (message.type === 'ping') send({ type: 'pong', id: message.id, rssBytes: process.memoryUsage.rss() });
});
// The test process is gone: nobody would ever stop this one.
process.on('disconnect', () => process.exit(0));

/** Names the exact export that is missing instead of `undefined is not a function`. */
function strict(exports: Record<string, unknown>, folder: string): never {
  const known = { ...exports };
  return new Proxy(known, {
    get(target, name) {
      // Code that awaits it asks for `then`.
      if (typeof name === 'string' && name !== 'then' && !(name in target)) throw new MissingExport(name, folder);
      return Reflect.get(target, name) as unknown;
    },
  }) as never;
}

/** The exports of a chapter of the tree under test. */
async function load(folder: string): Promise<never> {
  const index = join(tree, folder, 'index.ts');
  if (!existsSync(index)) {
    throw Object.assign(new Error(`${relative(project, index)} is missing`), { code: 'ERR_MODULE_NOT_FOUND' });
  }
  return strict((await import(pathToFileURL(index).href)) as Record<string, unknown>, folder);
}

try {
  const { default: driver } = (await import(pathToFileURL(driverFile).href)) as { default: Driver };
  const makeFunctions = async (): Promise<ReturnType<Driver['functions']>> => driver.functions(await load(driver.folder), load);
  let functions = await makeFunctions();

  process.on('message', (message: ToHost) => {
    if (message.type !== 'call') return;
    const call = async (): Promise<unknown> => {
      const method = functions[message.name];
      if (!method) throw new Error(`the driver has no function ${message.name}`);
      return await (method as (...args: readonly unknown[]) => unknown)(...message.args);
    };
    call().then(
      (result) => send({ type: 'result', id: message.id, result }),
      (error: unknown) => send({ type: 'error', id: message.id, error: describe(error) }),
    );
  });
  if (shared) {
    // Only here: a learner's process need not load it.
    const { asBefore } = await import('./start-over.ts');
    const startOver = async (): Promise<void> => {
      const tidy = await asBefore();
      // What they remember is the last rule's.
      functions = await makeFunctions();
      send({ type: 'started-over', tidy });
    };
    process.on('message', (message: ToHost) => {
      if (message.type === 'start-over') void startOver();
    });
  }
  send({ type: 'ready' });
  // This process will be killed, and Node keeps what it compiled only at an
  // exit of its own. The next one starts in half the time.
  flushCompileCache();
} catch (error) {
  send({ type: 'load-failed', error: describe(error) });
}
